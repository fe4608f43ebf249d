"""What failed, and why: in words, with a hint and the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from seqhub.lib.markup import Chip
from seqhub.lib.panels import Panel
from turret.choices import Status
from turret.engine.causes import Cause
from turret.engine.failures import cause_of
from turret.engine.masking import mask
from turret.engine.tails import Tail, Untold
from turret.models import Workflow, WorkflowTask
from turret.panels.chips import task_chip
from turret.panels.links import task_link, tasks_link
from turret.panels.tally import FAILURES
from turret.panels.work_dir import error_tail, is_in_reach
from turret.selectors import failed_tasks

SHOWN = 10
# Whose error output is fetched without being asked for.
FETCHED = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that failed, as a line of the panel."""

    task: WorkflowTask
    chip: Chip
    cause: Cause
    hint: SafeString
    link: str
    tail: Tail | None
    why_no_tail: str
    may_ask: bool  # its error output may be fetched


def failures_panel(workflow: Workflow) -> Panel | None:
    """None where nothing failed. Reads no file: the page asks for ends of files."""
    rows = failed_tasks(workflow)
    found = list(rows[: SHOWN + 1])
    report = workflow.error_report if workflow.status != Status.SUCCEEDED else ""
    if not found and not report and not workflow.error_message:
        return None
    count = rows.count() if len(found) > SHOWN else len(found)
    failures = [failure_of(workflow, task, report) for task in found[:SHOWN]]
    return Panel(
        "failures",
        "Failures",
        "turret/panels/failures.html",
        {
            "workflow": workflow,
            "failures": failures,
            "fetched": FETCHED,
            "more": max(count - SHOWN, 0),
            "more_link": tasks_link(workflow, state=FAILURES.key),
            "error_message": mask(workflow.error_message),
            "error_report": mask(workflow.error_report),
            "out_of_reach": bool(failures)
            and not any(failure.may_ask for failure in failures),
        },
        count=count or None,
    )


def failure_of(workflow: Workflow, task: WorkflowTask, said: str) -> Failure:
    """Judged by its exit status, and by Nextflow's report if that is about it."""
    about_it = said if task.name and f"`{task.name}`" in said else ""
    return _failure(workflow, task, about_it)


def failure_with_tail(workflow: Workflow, task: WorkflowTask) -> Failure:
    """The same, judged by the end of its error output too. Reads the disk."""
    try:
        tail = error_tail(task)
    except Untold as error:
        return _failure(workflow, task, "", why_no_tail=str(error))
    return _failure(workflow, task, tail.text, tail)


def _failure(
    workflow: Workflow,
    task: WorkflowTask,
    text: str,
    tail: Tail | None = None,
    why_no_tail: str = "",
) -> Failure:
    cause = cause_of(task.exit, task.error_action, text)
    return Failure(
        task=task,
        chip=task_chip(workflow, task),
        cause=cause,
        hint=_with_code(cause.hint),
        link=task_link(workflow, task.task_id),
        tail=tail,
        why_no_tail=why_no_tail,
        may_ask=is_in_reach(task),
    )


def _with_code(text: str) -> SafeString:
    """What stands between backticks in monospace."""
    parts = [
        format_html("<code>{}</code>", part) if number % 2 else part
        for number, part in enumerate(text.split("`"))
    ]
    return format_html_join("", "{}", ((part,) for part in parts))
