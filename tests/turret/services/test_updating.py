from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from seqhub.operations.models import Event
from tests.turret.services.calls import (
    NOW_MS,
    complete_call,
    make_run,
    make_task,
    update_call,
)
from turret.choices import Status
from turret.engine.records import Counters, Process, Progress, Task
from turret.models import Workflow, WorkflowTask
from turret.services import tracing
from turret.services.callers import Caller
from turret.services.statements import COUNTERS
from turret.words import ErrorAction, TaskStatus

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 8, 22, 8, 0, 9, 123456, tzinfo=UTC)


def task_of(run: Workflow, task_id: int = 1) -> WorkflowTask:
    return WorkflowTask.objects.get(workflow=run, task_id=task_id)


# One of each column.
FULL = Task(
    task_id=5,
    status=TaskStatus.FAILED,
    hash="ab/12cd34",
    name="DEMO:ALIGN (s5)",
    process="DEMO:ALIGN",
    tag="s5 \u4e2d\U0001f600",
    exit=137,
    submitted_at=STARTED - timedelta(seconds=1),
    started_at=STARTED,
    completed_at=STARTED + timedelta(seconds=9),
    duration_ms=10_000,
    realtime_ms=-5,
    pcpu=6400.5,
    pmem=1.9,
    rss_bytes=2**40,
    vmem_bytes=2,
    peak_rss_bytes=3,
    peak_vmem_bytes=4,
    rchar=5,
    wchar=6,
    read_bytes=7,
    write_bytes=8,
    syscr=9,
    syscw=10,
    vol_ctxt=11,
    inv_ctxt=2**63 - 1,
    cpu_model="Xeon",
    attempt=2,
    cpus=4,
    memory_bytes=8 * 2**30,
    disk_bytes=1,
    time_ms=14_400_000,
    workdir="/scratch/work/ab/12cd34",
    queue="long",
    container="quay.io/x:1",
    hostname="node7",
    script='echo "\\hello"\n',
    scratch="true",
    module="a/1,b/2",
    env="PATH=/bin\n",
    error_action=ErrorAction.RETRY,
    native_id="1234.pbs",
    executor="slurm",
    extra={"priceModel": "spot", "gpuMetrics": {"pct": [1.5, None]}},
)


def test_each_field_of_a_task_has_its_column(run: Workflow, caller: Caller) -> None:
    tracing.update(run.workflow_id, update_call([FULL]), caller)
    row = task_of(run, 5)
    assert row.instant == NOW_MS + 5000
    assert {name: getattr(row, name) for name in Task.__slots__} == {
        name: getattr(FULL, name) for name in Task.__slots__
    }
    assert [field for field in Task.__slots__ if not getattr(FULL, field)] == []


def test_task_of_an_id_alone_is_stored(run: Workflow, caller: Caller) -> None:
    tracing.update(run.workflow_id, update_call([Task(3)]), caller)
    row = task_of(run, 3)
    assert (row.status, row.name, row.exit, row.extra) == ("other", "", None, None)


def test_update_makes_a_submitted_workflow_run(run: Workflow, caller: Caller) -> None:
    tracing.update(run.workflow_id, update_call(running=2), caller)
    run.refresh_from_db()
    assert (run.status, run.running) == (Status.RUNNING, 2)
    assert run.progress_instant == NOW_MS + 5000
    # No begin has come.
    assert run.begun_at is None


def test_counters_and_processes_are_replaced(run: Workflow, caller: Caller) -> None:
    values = {name: number for number, name in enumerate(COUNTERS, 1)}
    for times in (3, 1):
        counters = {name: times * number for name, number in values.items()}
        process = Process(name="A:B", index=2, stored=5, terminated=True, **counters)
        process.running = -1
        call = replace(
            update_call(), progress=Progress(Counters(**counters), [process])
        )
        tracing.update(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert {name: getattr(run, name) for name in COUNTERS} == values
    row = run.processes.get()
    assert (row.name, row.index, row.stored, row.terminated) == ("A:B", 2, 5, True)
    assert {name: getattr(row, name) for name in COUNTERS} == {**values, "running": -1}


@pytest.mark.parametrize("instant", [NOW_MS + 6000, None])
def test_heartbeat_moves_last_seen_only(
    run: Workflow, caller: Caller, instant: int | None
) -> None:
    tracing.update(run.workflow_id, update_call([make_task()], running=2), caller)
    long_ago = timezone.now() - timedelta(minutes=4)
    Workflow.objects.update(last_seen_at=long_ago)
    tracing.update(run.workflow_id, update_call(instant=instant), caller)
    run.refresh_from_db()
    assert run.last_seen_at > long_ago + timedelta(minutes=3)
    assert (run.running, run.progress_instant) == (2, NOW_MS + 5000)
    assert run.tasks.count() == 1


def test_repeated_update_changes_nothing(run: Workflow, caller: Caller) -> None:
    call = update_call([FULL, make_task(6)], processes=[Process(name="A")], running=2)
    tracing.update(run.workflow_id, call, caller)
    tasks, processes = list(run.tasks.values()), list(run.processes.values())
    tracing.update(run.workflow_id, call, caller)
    assert list(run.tasks.values()) == tasks
    assert list(run.processes.values()) == processes


def test_late_update_moves_nothing_back(run: Workflow, caller: Caller) -> None:
    done = make_task(5, exit=0)
    tracing.update(run.workflow_id, update_call([done], succeeded=1), caller)
    late = update_call(
        [make_task(5, TaskStatus.RUNNING)], instant=NOW_MS + 4000, running=1
    )
    tracing.update(run.workflow_id, late, caller)
    run.refresh_from_db()
    assert task_of(run, 5).status == TaskStatus.COMPLETED
    assert (run.succeeded, run.running) == (1, 0)


def test_lower_status_never_counts_whatever_the_clock_says(
    run: Workflow, caller: Caller
) -> None:
    tracing.update(run.workflow_id, update_call([make_task(5)]), caller)
    newer = update_call([make_task(5, TaskStatus.RUNNING)], instant=NOW_MS + 9999)
    tracing.update(run.workflow_id, newer, caller)
    assert task_of(run, 5).status == TaskStatus.COMPLETED


@pytest.mark.parametrize("status", ["ABORTED", "CACHED", "FAILED", "COMPLETED"])
def test_every_final_status_is_kept(run: Workflow, caller: Caller, status: str) -> None:
    final = TaskStatus[status]
    tracing.update(run.workflow_id, update_call([make_task(5, final)]), caller)
    newer = update_call([make_task(5, TaskStatus.SUBMITTED)], instant=NOW_MS + 9999)
    tracing.update(run.workflow_id, newer, caller)
    row = task_of(run, 5)
    assert (row.status, row.completed_at, row.duration_ms) == (final, None, None)


def test_newer_body_of_equal_status_counts(run: Workflow, caller: Caller) -> None:
    for instant, exit_status in ((2, 1), (3, 2), (1, 3)):
        call = update_call([make_task(5, exit=exit_status)], instant=NOW_MS + instant)
        tracing.update(run.workflow_id, call, caller)
    assert task_of(run, 5).exit == 2


def test_what_a_record_lacks_stays_as_another_said_it(
    run: Workflow, caller: Caller
) -> None:
    early = Task(
        1, TaskStatus.SUBMITTED, name="ALIGN (1)", script="echo", extra={"a": 1}
    )
    middle = Task(1, TaskStatus.RUNNING, started_at=STARTED, extra={"b": 2})
    last = Task(1, TaskStatus.COMPLETED, exit=0)
    for number, order in enumerate(permutations([early, middle, last])):
        made = make_run(caller, instant=NOW_MS + number)
        for task in order:
            # A batch with others that are in time.
            call = update_call(
                [make_task(7), task], instant=NOW_MS + 5000 + task.status.rank
            )
            tracing.update(made.workflow_id, call, caller)
        row = task_of(made)
        assert (row.status, row.exit, row.name) == ("completed", 0, "ALIGN (1)")
        assert (row.script, row.started_at) == ("echo", STARTED)
        assert row.extra == {"a": 1, "b": 2}


def test_last_of_equal_ids_in_a_body_counts(run: Workflow, caller: Caller) -> None:
    twice = [make_task(5, TaskStatus.RUNNING), make_task(5, exit=3)]
    tracing.update(run.workflow_id, update_call(twice), caller)
    assert (task_of(run, 5).status, task_of(run, 5).exit) == ("completed", 3)


def test_update_without_a_clock_counts_as_the_newest(
    run: Workflow, caller: Caller
) -> None:
    tracing.update(run.workflow_id, update_call([make_task(5)], running=9), caller)
    call = update_call([make_task(5, exit=4)], instant=None, running=1)
    tracing.update(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.running, task_of(run, 5).exit) == (1, 4)


def test_containers_are_kept_once_in_any_order(caller: Caller) -> None:
    images = [{"requestId": str(n), "targetImage": f"wave/{n}"} for n in range(3)]
    kept = []
    for instant, order in ((1, images), (2, images[::-1])):
        made = make_run(caller, instant=NOW_MS + instant)
        for image in order:
            call = replace(update_call(), containers=[image, images[0]])
            tracing.update(made.workflow_id, call, caller)
        kept.append(Workflow.objects.get(pk=made.pk).containers)
    assert kept == [images, images]


@pytest.mark.parametrize(
    ("stalled", "status"), [(True, Status.RUNNING), (False, Status.UNKNOWN)]
)
def test_silent_workflow_comes_back(
    run: Workflow, caller: Caller, *, stalled: bool, status: Status
) -> None:
    now = timezone.now()
    Workflow.objects.update(status=status, stalled_at=now if stalled else None)
    for _ in range(2):
        tracing.update(run.workflow_id, update_call(), caller)
    run.refresh_from_db()
    assert (run.status, run.stalled_at) == (Status.RUNNING, None)
    assert Event.objects.filter(subject=run.subject, kind="returned").count() == 1


def test_status_since_moves_with_the_status_only(run: Workflow, caller: Caller) -> None:
    created = run.status_since
    tracing.update(run.workflow_id, update_call(), caller)
    run.refresh_from_db()
    began = run.status_since
    assert began > created
    tracing.update(run.workflow_id, update_call(), caller)
    run.refresh_from_db()
    assert run.status_since == began


def test_retried_and_cached_tasks_are_rows_of_their_own(
    run: Workflow, caller: Caller
) -> None:
    failed = make_task(
        3, TaskStatus.FAILED, attempt=1, error_action=ErrorAction.RETRY, exit=137
    )
    cached = make_task(4, TaskStatus.CACHED, completed_at=STARTED - timedelta(days=9))
    again = make_task(9, attempt=2, exit=0)
    call = update_call([failed, cached, again], succeeded=1, failed=1, retries=1)
    tracing.update(run.workflow_id, call, caller)
    tracing.complete(run.workflow_id, complete_call(), caller)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert list(run.tasks.values_list("task_id", "status", "attempt")) == [
        (3, "failed", 1),
        (4, "cached", None),
        (9, "completed", 2),
    ]
