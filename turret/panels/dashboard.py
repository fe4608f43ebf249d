"""What the dashboard shows of workflows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count as CountOf
from django.db.models import Q, QuerySet
from django.utils import timezone

from seqhub.lib.markup import Chip
from seqhub.lib.panels import Count, Panel, first_of
from turret.choices import UNDER_WAY, Status
from turret.engine.states import Done
from turret.models import Workflow, WorkflowProcess
from turret.panels.chips import status_chip
from turret.panels.launch_cells import words_before_it_runs
from turret.panels.links import workflow_link, workflows_link
from turret.selectors import (
    LAUNCH_HEAVY,
    causes_of,
    headline_of,
    listed_workflows,
    progress_of,
)

SHOWN = 6


@dataclass(frozen=True, slots=True)
class WorkflowLine:
    """A workflow in one line of a panel."""

    workflow: Workflow
    link: str
    chip: Chip
    words: str
    tasks: Done

    @property
    def is_moving(self) -> bool:
        return self.workflow.status in UNDER_WAY


def with_launches(rows: QuerySet[Workflow]) -> QuerySet[Workflow]:
    """With what says why Nextflow does not run yet, in the same query."""
    heavy = (f"launch__{name}" for name in ("params", *LAUNCH_HEAVY))
    return rows.select_related("launch").defer(*heavy)


def workflow_lines(workflows: Iterable[Workflow]) -> list[WorkflowLine]:
    """Of rows of `with_launches`. Two queries at the most."""
    workflows = list(workflows)
    processes: dict[int, list[WorkflowProcess]] = defaultdict(list)
    moving = [row for row in workflows if row.status in UNDER_WAY]
    if moving:
        for process in WorkflowProcess.objects.filter(workflow__in=moving):
            processes[process.workflow_id].append(process)
    causes = causes_of(workflows)
    launched = [row for row in workflows if hasattr(row, "launch")]
    waits = {row.pk: words_before_it_runs(row.launch) for row in launched}
    return [
        WorkflowLine(
            row,
            workflow_link(row),
            status_chip(row),
            waits.get(row.pk)
            or headline_of(row, processes[row.pk], causes.get(row.pk)),
            progress_of(row),
        )
        for row in workflows
    ]


def under_way_panel() -> Panel:
    """Workflows that run, the newest first. Two queries."""
    rows = with_launches(listed_workflows().filter(status__in=UNDER_WAY))
    found, count = first_of(rows.order_by("-status_since", "-pk"), SHOWN)
    return Panel(
        "workflows",
        "Workflows",
        "turret/panels/under_way.html",
        {
            "lines": workflow_lines(found),
            "more": max(count - SHOWN, 0),
            "all_link": workflows_link(),
        },
        count=count,
        link=workflows_link(show="under_way"),
        is_live=bool(count),
    )


def today() -> list[Count]:
    """What ended since midnight in the site's zone; nothing where none did."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    ended = Workflow.objects.filter(status_since__gte=midnight).aggregate(
        succeeded=CountOf("pk", filter=Q(status=Status.SUCCEEDED)),
        failed=CountOf("pk", filter=Q(status=Status.FAILED)),
    )
    if not any(ended.values()):
        return []
    return [
        Count(
            ended[status.value],
            f"workflows {status.label}",
            workflows_link(
                status__exact=status.value, status_since__gte=midnight.isoformat()
            ),
            colour,
        )
        for status, colour in ((Status.SUCCEEDED, "success"), (Status.FAILED, "danger"))
    ]
