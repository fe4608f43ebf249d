"""The rows that calls are about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from turret.choices import FINAL, Status, TaskStatus
from turret.engine.records import Counters
from turret.engine.shapes import (
    FAILURE_KEYS,
    LATEST_FAILURES,
    NOTHING_AT_THE_END,
    PROCESS_KEYS,
    at_the_end,
)
from turret.errors import UnknownTask
from turret.models import Workflow, WorkflowProcess, WorkflowTask
from turret.selectors import counters_of, find_workflow

_AT_THE_END = {
    key: 0 for key, name in PROCESS_KEYS.items() if name in NOTHING_AT_THE_END
}
# Nothing is heard of what should be under way: as is_stalled.
STALLED = (
    (Q(stalled_at__isnull=False) | Q(status=Status.UNKNOWN))
    & Q(ended_at__isnull=True)
    & ~Q(status__in=FINAL)
)

Entries = dict[int, list[dict[str, Any]]]


def task_at(workflow_id: str, task_id: int, *heavy: str) -> WorkflowTask:
    """One task with all columns, and its workflow with those of its HEAVY ones that
    are named. Raises UnknownWorkflow, UnknownTask."""
    workflow = find_workflow(workflow_id, *heavy)
    task = workflow.tasks.filter(task_id=task_id).first()
    if task is None:
        raise UnknownTask(f"The run {workflow_id[:50]} has no task {task_id}.")
    return task


def is_over(workflow: Workflow) -> bool:
    """Whether its Nextflow has ended, however."""
    return workflow.ended_at is not None or workflow.status in FINAL


def is_stalled(workflow: Workflow) -> bool:
    """Whether nothing is heard of what should be under way: as STALLED."""
    silent = workflow.stalled_at is not None or workflow.status == Status.UNKNOWN
    return silent and not is_over(workflow)


def shown_counters(row: Workflow | WorkflowProcess, *, over: bool) -> Counters:
    """What is counted of it; `over`: its run is."""
    counters = counters_of(row)
    return at_the_end(counters) if over else counters


def processes_of(workflows: Iterable[Workflow]) -> Entries:
    """By the workflow's key, as Nextflow's progress has them. One query."""
    over = {workflow.pk: is_over(workflow) for workflow in workflows}
    rows = WorkflowProcess.objects.filter(workflow__in=over).order_by("index", "pk")
    found: Entries = defaultdict(list)
    for key, *values in rows.values_list("workflow_id", *PROCESS_KEYS.values()):
        entry = dict(zip(PROCESS_KEYS, values, strict=True))
        found[key].append({**entry, **_AT_THE_END} if over[key] else entry)
    return found


def failures_of(workflows: Iterable[Workflow]) -> Entries:
    """By the workflow's key: the last LATEST_FAILURES, the latest last. One query."""
    # Most runs have none, and hundreds are listed at once.
    keys = [workflow.pk for workflow in workflows if workflow.failed]
    place = Window(
        RowNumber(), partition_by="workflow_id", order_by=F("task_id").desc()
    )
    rows = (
        WorkflowTask.objects.filter(workflow__in=keys, status=TaskStatus.FAILED)
        .annotate(place=place)
        .filter(place__lte=LATEST_FAILURES)
        .order_by("task_id")
    )
    found: Entries = defaultdict(list)
    for key, *values in rows.values_list("workflow_id", *FAILURE_KEYS.values()):
        failure = dict(zip(FAILURE_KEYS, values, strict=True))
        found[key].append({**failure, "tag": failure["tag"] or None})
    return found
