from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from turret.choices import Status
from turret.models import Workflow, WorkflowTask
from turret.services import retention
from turret.services.retention import prune

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings: Settings) -> None:
    keep(settings, scripts=10, tasks=100)


def keep(settings: Settings, *, scripts: float, tasks: float) -> None:
    changes = {"keep_scripts_days": scripts, "keep_tasks_days": tasks}
    section = settings.CONFIG.turret.model_copy(update=changes)
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})


def workflow(days: float, **fields: object) -> Workflow:
    """Last heard of so many days ago, with two tasks and a process."""
    row = WorkflowFactory.create(
        last_seen_at=timezone.now() - dt.timedelta(days=days),
        config_text="process.cpus = 4",
        params={"input": "x"},
        succeeded=2,
        **{"ended": True, **fields},
    )
    TaskFactory.create_batch(2, workflow=row, env="A=1")
    ProcessFactory.create(workflow=row, succeeded=2)
    return row


def left(row: Workflow) -> tuple[int, bool, bool]:
    """Tasks, and whether there are scripts of tasks and the configuration."""
    row.refresh_from_db()
    scripts = {task.script or task.env for task in row.tasks.all()} - {""}
    return row.tasks.count(), bool(scripts), bool(row.config_text)


@pytest.mark.parametrize(
    ("days", "after"),
    [
        (9, (2, True, True)),
        (11, (2, False, False)),
        (101, (0, False, False)),
    ],
)
def test_scripts_go_first_and_then_the_tasks(
    days: float, after: tuple[int, bool, bool]
) -> None:
    row, young = workflow(days), workflow(1)
    prune()
    assert left(row) == after
    assert (row.scripts_pruned_at is not None) == (days > 10)
    assert (row.tasks_pruned_at is not None) == (days > 100)
    assert left(young) == (2, True, True)


def test_counts_and_parameters_stay() -> None:
    row = workflow(1_000)
    prune()
    row.refresh_from_db()
    assert (row.succeeded, row.params) == (2, {"input": "x"})
    assert row.processes.get().succeeded == 2


@pytest.mark.parametrize("status", [Status.RUNNING, Status.SUBMITTED])
def test_what_is_under_way_stays_whole(status: Status) -> None:
    row = workflow(1_000, status=status)
    prune()
    assert left(row) == (2, True, True)


def test_what_nobody_knows_the_end_of_grows_old_too() -> None:
    row = workflow(1_000, ended=False, status=Status.UNKNOWN)
    prune()
    assert left(row)[0] == 0


def test_zero_days_keep_for_ever(settings: Settings) -> None:
    keep(settings, scripts=0, tasks=0)
    row = workflow(10_000)
    prune()
    assert left(row) == (2, True, True)


def test_many_tasks_go_in_batches(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    row = workflow(1_000)
    TaskFactory.create_batch(3, workflow=row)
    prune()
    assert not WorkflowTask.objects.exists()
    with django_assert_max_num_queries(2):  # what is pruned is not looked at again
        prune()


def test_what_is_heard_of_meanwhile_stays_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (workflow(1_000, status=Status.UNKNOWN) for _ in range(2))
    drop = retention._drop_tasks

    def hear_of_the_second(pk: int) -> int:
        Workflow.objects.filter(pk=second.pk).update(
            last_seen_at=timezone.now(), status=Status.RUNNING
        )
        return drop(pk)

    monkeypatch.setattr(retention, "_drop_tasks", hear_of_the_second)
    prune()
    assert (left(first)[0], left(second)[0]) == (0, 2)
    assert second.tasks_pruned_at is None


def test_what_comes_after_it_was_pruned_grows_old_too() -> None:
    row = workflow(1_000)
    prune()
    TaskFactory.create(workflow=row)
    ago = timezone.now() - dt.timedelta(days=200)
    Workflow.objects.update(
        last_seen_at=ago,
        tasks_pruned_at=ago - dt.timedelta(days=1),
        scripts_pruned_at=ago - dt.timedelta(days=1),
    )
    prune()
    assert left(row)[0] == 0
