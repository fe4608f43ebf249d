"""The cells of the list of workflows that move while somebody looks."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from seqhub.lib import markup
from turret.choices import Status
from turret.engine.states import true_failures
from turret.models import Workflow
from turret.panels.chips import extra_chips, status_chip
from turret.panels.links import tasks_link
from turret.panels.workflow_page import took
from turret.selectors import counters_of, progress_of


def status_cell(workflow: Workflow) -> SafeString:
    chips = [status_chip(workflow), *extra_chips(workflow)]
    return markup.row(markup.chip(chip) for chip in chips)


def progress_cell(workflow: Workflow) -> SafeString:
    """A bar of the tasks that have ended."""
    found = progress_of(workflow)
    if not found.total:
        return markup.faint("no task yet" if workflow.ended_at is None else "no task")
    words = f"{found.done:,} of {found.total:,}"
    return format_html(
        '<div class="labelled-bar">{}<a href="{}">{}</a></div>',
        markup.bar(found.done, found.total, f"Tasks: {words}", bar_colour(workflow)),
        tasks_link(workflow),
        words,
    )


def bar_colour(workflow: Workflow) -> str:
    """Of the bar of its tasks."""
    if workflow.status == Status.FAILED:
        return "danger"
    if workflow.status == Status.SUCCEEDED:
        return "success"
    return "primary" if workflow.status == Status.RUNNING else "warning"


def failed_cell(workflow: Workflow) -> SafeString:
    """Failed tasks as Nextflow counts them; those that were ignored or retried are
    said with them."""
    counters = counters_of(workflow)
    lines = []
    for number, state, look, words in (
        (true_failures(counters), "failed", "failed", ""),
        (counters.retries, "retried", "below", " retried"),
        (counters.ignored, "ignored", "below", " ignored"),
    ):
        said = f"{number:,}{words}"
        if number > 0 and workflow.tasks_pruned_at:
            lines.append(format_html('<span class="{}">{}</span>', look, said))
        elif number > 0:
            link = tasks_link(workflow, state=state)
            lines.append(
                format_html('<a class="{}" href="{}">{}</a>', look, link, said)
            )
    return markup.lines(*lines) if lines else markup.faint("–")


def duration_cell(workflow: Workflow) -> SafeString:
    return format_html("<span>{}</span>", took(workflow))


CELLS: dict[str, Callable[[Workflow], SafeString]] = {
    "status": status_cell,
    "progress": progress_cell,
    "failed": failed_cell,
    "took": duration_cell,
}
