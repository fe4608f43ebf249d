"""Taking over the runs of nextflow-turret.

It kept counters and the last failures, by its own clock, and of how a run ended only
that it did. So a complete run counts as failed if tasks of it failed for good, and
nothing more is made up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from django.db import transaction

from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor
from turret.choices import Status
from turret.engine.records import Counters, Progress, Task
from turret.engine.states import done_of, true_failures
from turret.models import Workflow
from turret.services.callers import NO_TOKEN
from turret.services.history import record
from turret.services.rows import store_processes, store_tasks

SERVICE = "nextflow-turret"
_MARK = {"importedFrom": SERVICE}


@dataclass(frozen=True, slots=True)
class OldRun:
    """What the old service knew of a run. Times are aware; `failures` are the last
    fifty tasks that failed."""

    workflow_id: str
    batch_id: str
    run_name: str
    is_complete: bool
    started_at: dt.datetime
    updated_at: dt.datetime
    progress: Progress
    failures: Sequence[Task] = ()


class Outcome(StrEnum):
    NEW = "new"
    UPDATED = "updated"  # the old service has gone on with it since
    UNCHANGED = "unchanged"


@transaction.atomic
def import_run(old: OldRun, *, actor: Actor, dry_run: bool = False) -> Outcome:
    """Make the run a workflow, or bring its workflow up to date; a repeat changes
    nothing. Raises InvalidValue: a workflow that we traced ourselves has its id."""
    rows = Workflow.objects.select_for_update(of=("self",))
    workflow = rows.filter(workflow_id=old.workflow_id).first()
    if workflow is None:
        outcome, workflow = Outcome.NEW, Workflow(workflow_id=old.workflow_id)
    elif workflow.extra.get("importedFrom") != SERVICE:
        raise InvalidValue(
            f"{old.workflow_id}: a workflow of this id was traced here already."
        )
    elif workflow.last_seen_at >= old.updated_at:
        return Outcome.UNCHANGED
    else:
        outcome = Outcome.UPDATED
    if dry_run:
        return outcome
    for name, value in _columns(old).items():
        setattr(workflow, name, value)
    workflow.save()
    instant = round(old.updated_at.timestamp() * 1000)
    store_processes(workflow.pk, old.progress.processes)
    store_tasks(workflow.pk, old.failures, instant)
    words = f"Taken over from {SERVICE}."
    data = {"complete": old.is_complete, "updated_at": old.updated_at.isoformat()}
    record(workflow, "taken_over", words, actor=actor, data=data)
    return outcome


def status_of(old: OldRun) -> Status:
    """A run that was never complete was lost, and one without tasks says nothing."""
    counters = old.progress.counters
    if not old.is_complete or not done_of(counters).done:
        return Status.UNKNOWN
    lost = true_failures(counters) + counters.aborted
    return Status.FAILED if lost > 0 else Status.SUCCEEDED


def _columns(old: OldRun) -> dict[str, Any]:
    counters: Counters = old.progress.counters
    ended_at = old.updated_at if old.is_complete else None
    return {
        "token_digest": NO_TOKEN,
        "run_name": old.run_name,
        "batch_id": old.batch_id,
        "status": status_of(old),
        "status_since": old.updated_at,
        "created_at": old.started_at,
        "begun_at": old.started_at,
        "ended_at": ended_at,
        "last_seen_at": old.updated_at,
        "progress_instant": round(old.updated_at.timestamp() * 1000),
        "extra": _MARK,
        **asdict(counters),
    }
