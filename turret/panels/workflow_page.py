"""What the page of a workflow shows."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from runfolders.panels.run_page import timeline
from seqhub.lib.panels import Panel, Tab
from seqhub.lib.units import counted, format_duration
from seqhub.operations.models import Event
from turret.choices import UNDER_WAY
from turret.models import Workflow
from turret.panels.chips import status_chip
from turret.panels.details import details_panels
from turret.panels.failures import failures_panel
from turret.panels.inputs import inputs_panels
from turret.panels.links import workflow_link, workflows_link
from turret.panels.reports import reports_panel
from turret.panels.resources import resources_panel
from turret.panels.tally import Tally, process_lines
from turret.panels.tasks import tasks_panel
from turret.selectors import chain_of


def tabs(workflow: Workflow, tally: Tally, *, may_see: bool) -> list[Tab]:
    """`may_see`: parameters and configuration."""
    number = sum(tally.total.values())
    return [
        Tab("overview", "Overview", lambda _query: overview(workflow, tally)),
        Tab("tasks", "Tasks", lambda query: [tasks_panel(workflow, query)], number),
        Tab("resources", "Resources", lambda _query: [resources_panel(workflow)]),
        Tab("reports", "Reports", lambda _query: [reports_panel(workflow)]),
        Tab(
            "inputs",
            "Parameters",
            lambda _query: inputs_panels(workflow, may_see=may_see),
        ),
        Tab("details", "Details", lambda _query: details_panels(workflow)),
        Tab("timeline", "Timeline", lambda query: [_timeline(workflow, query)]),
    ]


def live_panels(
    workflow: Workflow, tally: Tally, tab: str, query: QueryDict
) -> list[Panel]:
    """Those of a tab that move while the workflow runs."""
    if tab == "tasks":
        return [tasks_panel(workflow, query)]
    return [processes_panel(workflow, tally)] if tab in ("", "overview") else []


def overview(workflow: Workflow, tally: Tally) -> list[Panel]:
    """What failed comes first."""
    panels = [failures_panel(workflow), processes_panel(workflow, tally)]
    panels.append(
        Panel(
            "facts", "Run", "runfolders/panels/facts.html", {"facts": facts(workflow)}
        )
    )
    chain = chain_of(workflow)
    if len(chain) > 1:
        panels.append(_chain_panel(workflow, chain))
    return [panel for panel in panels if panel is not None]


def processes_panel(workflow: Workflow, tally: Tally) -> Panel:
    lines = process_lines(tally)
    return Panel(
        "processes",
        "Processes",
        "turret/panels/process_rows.html",
        {"lines": lines, "workflow": workflow},
        count=len(lines) or None,
    )


def _chain_panel(workflow: Workflow, chain: list[Workflow]) -> Panel:
    lines = [
        {
            "workflow": row,
            "chip": status_chip(row),
            "link": workflow_link(row),
            "is_this": row.pk == workflow.pk,
        }
        for row in chain
    ]
    return Panel(
        "chain",
        "Resumed runs of this session",
        "turret/panels/chain.html",
        {"lines": lines},
        count=len(lines),
        link=workflows_link(session_id=workflow.session_id),
    )


def _timeline(workflow: Workflow, query: QueryDict) -> Panel:
    return timeline(Event.objects.filter(subject=workflow.subject), query)


def facts(workflow: Workflow) -> list[tuple[str, Any, str]]:
    """Label, value and kind of each fact, for the list of facts."""
    run = None
    if workflow.runfolder is not None:
        page = reverse(
            "admin:runfolders_runfolder_change", args=[workflow.runfolder_id]
        )
        run = (workflow.runfolder.name, page)
    owner = None
    if workflow.owner is not None:
        owner = (
            workflow.owner.get_username(),
            workflows_link(owner__id__exact=workflow.owner_id),
        )
    rows: list[tuple[str, Any, str]] = [
        ("Run folder", run, "link"),
        ("Owner", owner, "link"),
        ("Started by", workflow.user_name, "text"),
        ("Labels", workflow.labels, "list"),
        ("Exit status", _exit(workflow), "text"),
        ("Started", workflow.started_at or workflow.created_at, "time"),
        ("Ended", workflow.completed_at or workflow.ended_at, "time"),
        ("Took", took(workflow), "text"),
        ("Last heard of", workflow.last_seen_at, "time"),
        ("Most at once", _peak(workflow), "text"),
        ("Launch directory", workflow.launch_dir, "path"),
        ("Work directory", workflow.work_dir, "path"),
        ("Output directory", workflow.output_dir, "path"),
        ("Workflow id", workflow.workflow_id, "path"),
        ("Session", workflow.session_id, "path"),
        ("Batch", workflow.batch_id, "code"),
        ("Reports from", workflow.address, "code"),
    ]
    return [row for row in rows if row[1] not in (None, "", [])]


def _exit(workflow: Workflow) -> str:
    return "" if workflow.exit_status is None else str(workflow.exit_status)


def _peak(workflow: Workflow) -> str:
    if not workflow.peak_running:
        return ""
    text = counted(workflow.peak_running, "task")
    if workflow.peak_cpus:
        text += f", {counted(workflow.peak_cpus, 'CPU')}"
    return text


def took(workflow: Workflow) -> str:
    """How long it took, or has taken so far."""
    if workflow.duration_ms is not None:
        return format_duration(max(workflow.duration_ms, 0) / 1000)
    start = workflow.started_at or workflow.created_at
    end = workflow.ended_at or workflow.completed_at
    if workflow.status in UNDER_WAY:
        end = timezone.now()
    elif end is None:
        end = workflow.last_seen_at
    return format_duration((end - start).total_seconds())


def subtitle(workflow: Workflow) -> list[str]:
    """The workflow in a few words."""
    parts = [pipeline(workflow)]
    if workflow.commit_id:
        parts.append(f"commit {workflow.commit_id[:7]}")
    if workflow.profile and workflow.profile != "standard":
        parts.append(f"profile {workflow.profile}")
    if workflow.nextflow_version:
        parts.append(f"Nextflow {workflow.nextflow_version}")
    if workflow.resume:
        parts.append("resumed")
    return [part for part in parts if part]


def pipeline(workflow: Workflow) -> str:
    """`nf-core/rnaseq 3.14.0`."""
    return f"{workflow.project_name} {workflow.revision}".strip()
