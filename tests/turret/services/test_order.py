"""Whatever the order and the doubling of calls, the same rows come of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seqhub.operations.models import Event
from tests.turret.services.calls import (
    NOW_MS,
    begin_call,
    complete_call,
    make_caller,
    make_run,
)
from turret.engine.records import Counters, Process, Progress, Task, Update
from turret.models import Workflow
from turret.services import tracing
from turret.services.callers import Caller
from turret.words import ErrorAction, TaskStatus

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 8, 22, 8, tzinfo=UTC)
TASKS = 12
# Of our clock, and what tells two runs apart.
NOT_COMPARED = {
    "id",
    "workflow_id",
    "create_key",
    "created_at",
    "begun_at",
    "ended_at",
    "status_since",
    "last_seen_at",
}

Call = Callable[[str, Caller], None]


def life_of_task(task_id: int, rng: random.Random) -> Iterator[Task]:
    """What Nextflow may say of a task, one after the other. A record has all that the
    one before had; any but the last may never be sent."""
    said: dict[str, Any] = {"name": f"DEMO:ALIGN ({task_id})", "script": "echo"}
    yield Task(task_id, TaskStatus.NEW, **said)
    said |= {"submitted_at": STARTED, "native_id": f"job{task_id}"}
    yield Task(task_id, TaskStatus.SUBMITTED, **said)
    said |= {"started_at": STARTED + timedelta(seconds=task_id), "extra": {"zone": "a"}}
    yield Task(task_id, TaskStatus.RUNNING, **said)
    end = rng.choice([TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.ABORTED])
    if end == TaskStatus.ABORTED:
        yield Task(task_id, end, **said)
        return
    said |= {"completed_at": STARTED + timedelta(hours=1), "exit": 0, "pcpu": 99.5}
    if end == TaskStatus.FAILED:
        said |= {"exit": 137, "error_action": ErrorAction.RETRY}
    said["extra"] = {"zone": "a", "price": "spot"}
    yield Task(task_id, end, **said)


def updates_of_run(rng: random.Random) -> list[Update]:
    """Snapshots and batches, as the client makes them."""
    lives = [list(life_of_task(task_id, rng)) for task_id in range(1, TASKS + 1)]
    bodies: list[Update] = []
    while lives := [life for life in lives if life]:
        moving = [life for life in lives if rng.random() < 0.4]
        for life in moving:
            if len(life) > 1 and rng.random() < 0.3:
                life.pop(0)
        tasks = [life.pop(0) for life in moving]
        done = rng.randrange(100)
        process = Process(name="DEMO:ALIGN", index=1, succeeded=done)
        progress = Progress(Counters(succeeded=done, running=len(lives)), [process])
        instant = NOW_MS + 5000 + 10 * len(bodies)
        bodies.append(Update(tasks, progress, [], instant))
    return bodies


def calls_of_run(rng: random.Random, *, ends: bool) -> list[Call]:
    def beginning(workflow_id: str, caller: Caller) -> None:
        call = begin_call(params={"a": 1}, extra={"wave": {}, "platform": {}})
        tracing.begin(workflow_id, call, caller)

    def ending(workflow_id: str, caller: Caller) -> None:
        call = complete_call(
            NOW_MS + 999_000,
            counters={"succeeded": TASKS},
            params={"a": 1},
            extra={"wave": {}, "fusion": {}},
        )
        assert call.progress is not None
        call.progress.processes = [Process(name="DEMO:ALIGN", index=1, succeeded=7)]
        tracing.complete(workflow_id, call, caller)

    def updating(body: Update) -> Call:
        return lambda workflow_id, caller: tracing.update(workflow_id, body, caller)

    calls = [beginning, *map(updating, updates_of_run(rng))]
    return [*calls, ending] if ends else calls


def state_of(run: Workflow) -> dict[str, Any]:
    row = Workflow.objects.values().get(pk=run.pk)
    events = Event.objects.filter(subject=run.subject).values_list("kind", flat=True)
    return {
        "workflow": {k: v for k, v in row.items() if k not in NOT_COMPARED},
        "tasks": [
            {k: v for k, v in task.items() if k not in NOT_COMPARED}
            for task in run.tasks.values()
        ],
        "processes": [
            {k: v for k, v in process.items() if k not in NOT_COMPARED}
            for process in run.processes.values()
        ],
        "events": sorted(events),
    }


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "under way"])
@pytest.mark.parametrize("seed", range(6))
def test_order_and_doubling_do_not_matter(seed: int, *, ends: bool) -> None:
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    caller = make_caller()
    calls = calls_of_run(rng, ends=ends)
    in_order = make_run(caller)
    for call in calls:
        call(in_order.workflow_id, caller)
    expected = state_of(in_order)
    assert len(expected["tasks"]) == TASKS
    for shuffle in range(3):
        run = make_run(caller, instant=NOW_MS + 1 + shuffle)
        mixed = [*calls, *rng.sample(calls, len(calls) // 2)]
        rng.shuffle(mixed)
        for call in mixed:
            call(run.workflow_id, caller)
        assert state_of(run) == expected
