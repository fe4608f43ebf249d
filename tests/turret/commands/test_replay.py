from __future__ import annotations

import datetime as dt
import itertools

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from runfolders.models import Runfolder
from tests.clients import make_admin
from tests.factories import RunfolderFactory
from tests.turret.factories import WorkflowFactory
from turret.choices import Status, TaskStatus
from turret.engine.replay import read_steps
from turret.models import Workflow

pytestmark = pytest.mark.django_db


def replay(run: Runfolder | None = None) -> Workflow:
    """As quickly as it goes."""
    options = ["--input", run.path] if run else []
    call_command("replay", "--seconds", "0.01", *options)
    return Workflow.objects.get()


def test_it_ends_as_the_recorded_run_did() -> None:
    admin, run = make_admin(), RunfolderFactory.create()
    workflow = replay(run)
    assert workflow.status == Status.SUCCEEDED
    assert workflow.owner == admin
    assert workflow.runfolder == run
    assert (workflow.succeeded, workflow.pending, workflow.running) == (8, 0, 0)
    statuses = workflow.tasks.values_list("status", flat=True)
    assert list(statuses) == [TaskStatus.COMPLETED] * 8


def test_it_is_of_today() -> None:
    before = timezone.now()
    workflow = replay()
    assert workflow.started_at
    assert abs(workflow.started_at - before) < dt.timedelta(minutes=1)
    for task in workflow.tasks.all():
        assert task.completed_at
        assert abs(task.completed_at - before) < dt.timedelta(minutes=1)


def test_a_second_start_replays_nothing() -> None:
    WorkflowFactory.create()
    call_command("replay", "--only-first", "--seconds", "0.01")
    assert Workflow.objects.count() == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "1e9"])
def test_it_refuses_a_time_that_is_none(seconds: str) -> None:
    with pytest.raises(CommandError):
        call_command("replay", "--seconds", seconds)
    assert not Workflow.objects.exists()


def test_tasks_move_all_the_time() -> None:
    steps = list(read_steps(120, timezone.now(), {}))
    assert (steps[0].call, steps[1].call, steps[-1].call) == (
        "create",
        "begin",
        "complete",
    )
    assert steps[-1].at_s == pytest.approx(120)
    gaps = [b.at_s - a.at_s for a, b in itertools.pairwise(steps)]
    assert max(gaps) < 20
    instants = [step.body["instant"] for step in steps]
    assert instants == sorted(instants)
    assert instants[-1] - instants[0] == pytest.approx(120_000, rel=0.05)
