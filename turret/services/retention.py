"""Details of old workflows go by age: scripts, environments and configurations
first, then the tasks. The workflows with their counts stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import transaction
from django.db.models import F, Q
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
        _each("tasks_pruned_at", now - policy.keep_tasks, _drop_tasks)
    if policy.keep_scripts is not None:
        _each("scripts_pruned_at", now - policy.keep_scripts, _drop_scripts)


def _each(mark: str, due: dt.datetime, drop: Callable[[int], int]) -> None:
    """`drop` a batch of each workflow that has ended, or is not heard of, since before
    `due`, until it says that nothing is left."""
    # One that was heard of after it was pruned has new details.
    left = Q(**{mark: None}) | Q(**{f"{mark}__lt": F("last_seen_at")})
    old = Workflow.objects.filter(left, last_seen_at__lt=due)
    rows = old.exclude(status__in=UNDER_WAY)
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)):
        is_done = False
        while not is_done:
            with transaction.atomic():
                # It may be heard of at this moment: then it is not old.
                row = rows.select_for_update(no_key=True).only("pk").filter(pk=pk)
                is_done = not row.first() or not drop(pk)
                if is_done:
                    rows.filter(pk=pk).update(**{mark: timezone.now()})


def _drop_tasks(pk: int) -> int:
    ids = WorkflowTask.objects.filter(workflow=pk).order_by().values_list("pk")
    return WorkflowTask.objects.filter(pk__in=ids[:BATCH]).delete()[0]


def _drop_scripts(pk: int) -> int:
    Workflow.objects.filter(pk=pk).exclude(config_text="").update(config_text="")
    full = WorkflowTask.objects.filter(workflow=pk).exclude(script="", env="")
    ids = full.order_by().values_list("pk")[:BATCH]
    return WorkflowTask.objects.filter(pk__in=ids).update(script="", env="")
