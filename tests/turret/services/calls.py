"""Bodies of trace calls as records, and who sends them."""

from __future__ import annotations

from typing import Any

from seqhub.operations.models import Event
from tests.clients import make_user
from turret.engine.records import (
    Begin,
    Complete,
    Counters,
    Create,
    Process,
    Progress,
    Run,
    Task,
    Update,
)
from turret.models import Workflow
from turret.services import tracing
from turret.services.callers import Caller
from turret.words import TaskStatus

NOW_MS = 1_787_400_000_000
SESSION = "6f1e0d7c-1111-4222-8333-944455556666"


def make_caller(
    user_id: int | None = None,
    token_digest: str = "a" * 64,
    *,
    is_live: bool = True,
    bound_to: str = "",
) -> Caller:
    """With a token of a new user, unless one is named."""
    if user_id is None:
        user_id = make_user().pk
    return Caller(
        user_id, token_digest, is_live, bound_to, "10.0.0.7", "Nextflow/25.04.4"
    )


def open_caller() -> Caller:
    return Caller(None, "", True, "", "10.0.0.7", "Nextflow/25.04.4")


def create_call(**fields: Any) -> Create:
    return Create(
        **{
            "session_id": SESSION,
            "run_name": "mad_curie",
            "project_name": "nf-core/demo",
            "repository": "https://github.com/nf-core/demo",
            "workflow_id": "",
            "instant": NOW_MS,
            **fields,
        }
    )


def begin_call(instant: int = NOW_MS + 4000, **fields: Any) -> Begin:
    run = Run(
        **{
            "run_name": "mad_curie",
            "session_id": SESSION,
            "launch_dir": "/data/run1",
            "success": False,
            **fields,
        }
    )
    return Begin(run, ["DEMO:ALIGN"], None, instant)


def update_call(
    tasks: list[Task] | None = None,
    *,
    instant: int | None = NOW_MS + 5000,
    processes: list[Process] | None = None,
    **counters: int,
) -> Update:
    """With counters or processes it has progress, else none."""
    progress = None
    if counters or processes:
        progress = Progress(Counters(**counters), processes or [])
    return Update(tasks or [], progress, [], instant)


def complete_call(
    instant: int | None = NOW_MS + 9000,
    *,
    counters: dict[str, int] | None = None,
    **fields: Any,
) -> Complete:
    run = Run(**{"success": True, "exit_status": 0, **fields})
    progress = None if counters is None else Progress(Counters(**counters))
    return Complete(run, [], progress, instant)


def make_task(
    task_id: int = 1, status: TaskStatus = TaskStatus.COMPLETED, **fields: Any
) -> Task:
    return Task(task_id, status, name=f"DEMO:ALIGN (s{task_id})", **fields)


def make_run(caller: Caller, **fields: Any) -> Workflow:
    """A workflow that `caller` has just created."""
    workflow_id = tracing.create(create_call(**fields), caller, None)
    return Workflow.objects.get(workflow_id=workflow_id)


def kinds_of(run: Workflow) -> list[str]:
    """Of its events, oldest first."""
    events = Event.objects.filter(subject=run.subject).order_by("id")
    return list(events.values_list("kind", flat=True))


def values_of(run: Workflow) -> dict[str, Any]:
    """All but the time of the last call."""
    values = Workflow.objects.values().get(pk=run.pk)
    return {**values, "last_seen_at": None}
