"""Details of old workflows go by age: scripts, environments and configurations
first, then the tasks. The workflows with their counts stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db.models import QuerySet
from django.utils import timezone

from turret.choices import UNDER_WAY
from turret.models import Workflow, WorkflowTask
from turret.services.policy import current_policy

# Of tasks a transaction: no lock is held for long.
BATCH = 5_000


def prune() -> None:
    """Drop what is older than the policy keeps. May be repeated, and stopped at any
    time: a workflow is marked when all of its has gone."""
    now = timezone.now()
    policy = current_policy()
    if policy.keep_tasks is not None:
        rows = _older(now - policy.keep_tasks).filter(tasks_pruned_at=None)
        _each(rows, _drop_tasks, now)
    if policy.keep_scripts is not None:
        rows = _older(now - policy.keep_scripts).filter(scripts_pruned_at=None)
        _each(rows, _drop_scripts, now)


def _older(due: dt.datetime) -> QuerySet[Workflow]:
    """Ended, or not heard of, since before `due`."""
    return Workflow.objects.exclude(status__in=UNDER_WAY).filter(last_seen_at__lt=due)


def _each(
    rows: QuerySet[Workflow],
    drop: Callable[[int, dt.datetime], None],
    now: dt.datetime,
) -> None:
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)):
        drop(pk, now)


def _drop_tasks(pk: int, now: dt.datetime) -> None:
    tasks = WorkflowTask.objects.filter(workflow=pk)
    while ids := list(tasks.order_by().values_list("pk", flat=True)[:BATCH]):
        WorkflowTask.objects.filter(pk__in=ids).delete()
    Workflow.objects.filter(pk=pk).update(tasks_pruned_at=now)


def _drop_scripts(pk: int, now: dt.datetime) -> None:
    full = WorkflowTask.objects.filter(workflow=pk).exclude(script="", env="")
    while ids := list(full.order_by().values_list("pk", flat=True)[:BATCH]):
        WorkflowTask.objects.filter(pk__in=ids).update(script="", env="")
    Workflow.objects.filter(pk=pk).update(scripts_pruned_at=now, config_text="")
