from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from seqhub.operations.services.events import SYSTEM
from tests.turret.services.calls import (
    NOW_MS,
    begin_call,
    complete_call,
    create_call,
    make_caller,
    make_run,
    make_task,
    update_call,
)
from turret.choices import Status
from turret.engine.records import Process
from turret.errors import UnknownWorkflow
from turret.models import Workflow, WorkflowTask
from turret.services import rows, tracing
from turret.services.overrides import (
    delete_workflow,
    lock_workflow,
    mark_unknown,
    set_labels,
)
from turret.services.retention import prune
from turret.services.silence import watch
from turret.words import TaskStatus

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Their answers; each has a thread and a database session of its own, and all
    begin together."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            barrier.wait(timeout=30)
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_copies_of_a_create_make_one_workflow() -> None:
    caller = make_caller()
    for number in range(5):
        call = create_call(instant=NOW_MS + number)
        made = at_once([partial(tracing.create, call, caller, None)] * 6)
        assert len(set(made)) == 1
    assert Workflow.objects.count() == 5
    assert Event.objects.filter(kind="created").count() == 5


def test_creates_that_claim_one_id_make_one_workflow() -> None:
    caller = make_caller()
    call = create_call(workflow_id="launch7", instant=None)
    made = at_once([partial(tracing.create, call, caller, None)] * 6)
    assert set(made) == {"launch7"}
    assert Workflow.objects.count() == 1


def test_copies_of_an_update_store_it_once() -> None:
    caller = make_caller()
    run = make_run(caller)
    tasks = [make_task(n) for n in range(100)]
    for number in range(5):
        call = update_call(
            tasks,
            instant=NOW_MS + number,
            processes=[Process(name=f"P{n}", running=number) for n in range(5)],
            succeeded=number,
        )
        at_once([partial(tracing.update, run.workflow_id, call, caller)] * 4)
    run.refresh_from_db()
    assert (run.succeeded, run.tasks.count(), run.processes.count()) == (4, 100, 5)
    assert set(run.processes.values_list("running", flat=True)) == {4}


def test_end_and_last_update_at_once_lose_nothing() -> None:
    caller = make_caller()
    for number in range(8):
        run = make_run(caller, instant=NOW_MS + number)
        last = update_call([make_task(n) for n in range(100)], running=1)
        end = complete_call(counters={"succeeded": 100})
        at_once(
            [
                partial(tracing.update, run.workflow_id, last, caller),
                partial(tracing.complete, run.workflow_id, end, caller),
                partial(tracing.begin, run.workflow_id, begin_call(), caller),
            ]
        )
        run.refresh_from_db()
        assert run.status == Status.SUCCEEDED
        assert (run.succeeded, run.running) == (100, 0)
        assert run.tasks.filter(status=TaskStatus.COMPLETED).count() == 100
        assert run.begun_at is not None


def test_ends_of_one_session_at_once_close_what_they_mend(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caller = make_caller()
    for number in range(5):
        runs = [make_run(caller, instant=NOW_MS + 10 * number + n) for n in range(8)]
        for success in (False, True):
            end = complete_call(NOW_MS + 99_000, success=success, exit_status=None)
            at_once(
                [
                    partial(tracing.complete, run.workflow_id, end, caller)
                    for run in runs
                ]
            )
    assert not Attention.objects.exists()
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


def test_deletion_amid_updates_ends_in_unknown_workflow() -> None:
    caller = make_caller()
    run = make_run(caller)
    call = update_call([make_task(n) for n in range(30)])

    def write_for_ever() -> None:
        while True:
            tracing.update(run.workflow_id, call, caller)

    def write() -> None:
        with pytest.raises(UnknownWorkflow):
            write_for_ever()

    def delete() -> None:
        tracing.update(run.workflow_id, call, caller)
        delete_workflow(run.pk, actor=SYSTEM, reason="test")

    at_once([write, write, delete])
    assert not Workflow.objects.exists()
    assert not WorkflowTask.objects.exists()


def test_call_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = make_caller()
    run = make_run(caller)
    call = update_call([make_task()])

    def wait() -> None:
        try:
            with pytest.raises(OperationalError, match="lock timeout"):
                tracing.update(run.workflow_id, call, caller)
        finally:
            connection.close()

    monkeypatch.setattr(rows, "LOCK_PATIENCE", "50ms")
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        lock_workflow(run.pk)
        pool.submit(wait).result(timeout=30)
    # As a client that sends it again.
    tracing.update(run.workflow_id, call, caller)
    assert run.tasks.count() == 1


@pytest.mark.slow
def test_people_and_ticks_amid_calls_never_wait_in_a_circle(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Runs of one session end, come back and are pruned, marked and watched at once."""
    at_once_old = {"keep_tasks_days": 1e-9, "keep_scripts_days": 1e-9}
    section = settings.CONFIG.turret.model_copy(update=at_once_old)
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})
    caller = make_caller()
    runs = [make_run(caller, instant=NOW_MS + number) for number in range(3)]
    steps = range(25)

    def write(run: Workflow) -> None:
        for step in steps:
            tasks = [make_task(n, script="x") for n in range(step % 7, 40)]
            call = update_call(tasks, instant=NOW_MS + step, succeeded=step)
            tracing.update(run.workflow_id, call, caller)

    def end(run: Workflow) -> None:
        for step in steps:
            call = complete_call(NOW_MS + step, success=bool(step % 2))
            tracing.complete(run.workflow_id, call, caller)

    def decide() -> None:
        for step in steps:
            pk = runs[step % 3].pk
            set_labels(pk, [f"label {step}"], actor=SYSTEM)
            with suppress(IllegalTransition):
                mark_unknown(pk, actor=SYSTEM, reason="test")

    def tick() -> None:
        for _ in steps:
            prune()
            watch()

    calls: list[Callable[[], None]] = [partial(write, run) for run in runs]
    calls += [partial(end, run) for run in runs]
    at_once([*calls, decide, tick, tick])
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    for run in runs:
        write(run)
        assert run.tasks.count() == 40


@pytest.mark.slow
def test_many_writers_on_few_workflows() -> None:
    """Each writer sends what one of the workflows' clients might, in an order of its
    own: batches overlap, and hold the tasks in different orders."""
    caller = make_caller()
    runs = [make_run(caller, instant=NOW_MS + number) for number in range(3)]
    statuses = [TaskStatus.SUBMITTED, TaskStatus.RUNNING, TaskStatus.COMPLETED]

    def write(seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - not for secrets
        # All there is to say, so that nothing is lacking in the end.
        pieces = [
            (run, step, half) for run in runs for step in range(8) for half in range(2)
        ]
        rng.shuffle(pieces)
        for run, step, half in (*pieces, *pieces[:2]):
            ids = list(range(half, 60, 2))
            rng.shuffle(ids)
            status = statuses[min(step // 3, 2)]
            call = update_call(
                [make_task(n, status, exit=step) for n in ids],
                instant=NOW_MS + 5000 + step,
                processes=[Process(name=f"P{n % 4}", running=step) for n in ids],
                succeeded=step,
            )
            tracing.update(run.workflow_id, call, caller)

    at_once([partial(write, seed) for seed in range(8)])
    assert WorkflowTask.objects.count() == 3 * 60
    for run in runs:
        run.refresh_from_db()
        assert (run.succeeded, run.progress_instant) == (7, NOW_MS + 5007)
        assert set(run.tasks.values_list("status", "exit")) == {("completed", 7)}
        assert set(run.processes.values_list("name", "running")) == {
            (f"P{n}", 7) for n in range(4)
        }
