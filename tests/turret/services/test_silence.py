from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from seqhub.operations.models import Attention, Event, Heartbeat
from tests.turret.factories import LaunchFactory, WorkflowFactory
from tests.turret.services.calls import make_caller, update_call
from turret.choices import Status
from turret.models import Launch, Workflow
from turret.services import tracing
from turret.services.attention import SILENT
from turret.services.silence import GAP, ROLE, watch

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


def ago(**span: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(**span)


@pytest.fixture(autouse=True)
def long_watched() -> None:
    """The watch has gone on for a day."""
    Heartbeat.objects.create(
        host="",
        role=ROLE,
        at=timezone.now(),
        data={"since": (timezone.now() - DAY).isoformat()},
    )


def workflow(silent_s: float, status: Status = Status.RUNNING, **fields: object) -> int:
    row = WorkflowFactory.create(
        status=status,
        last_seen_at=ago(seconds=silent_s),
        status_since=ago(hours=3),
        **fields,
    )
    return row.pk


def state(pk: int) -> tuple[str, bool]:
    row = Workflow.objects.get(pk=pk)
    return row.status, row.stalled_at is not None


@pytest.mark.parametrize(
    ("status", "silent_s", "after"),
    [
        (Status.RUNNING, 290, (Status.RUNNING, False)),
        (Status.RUNNING, 310, (Status.RUNNING, True)),
        (Status.RUNNING, 1_790, (Status.RUNNING, True)),
        (Status.RUNNING, 1_810, (Status.UNKNOWN, False)),
        (Status.SUBMITTED, 3_500, (Status.SUBMITTED, False)),
        (Status.SUBMITTED, 3_610, (Status.UNKNOWN, False)),
        (Status.SUCCEEDED, 9_999, (Status.SUCCEEDED, False)),
        (Status.FAILED, 9_999, (Status.FAILED, False)),
        (Status.CANCELLED, 9_999, (Status.CANCELLED, False)),
    ],
)
def test_silence_makes_a_workflow_stalled_and_then_unknown(
    status: Status, silent_s: float, after: tuple[str, bool]
) -> None:
    pk = workflow(silent_s, status)
    watch()
    assert state(pk) == after
    is_silent = after != (status, False)
    assert Attention.objects.filter(code=SILENT).exists() == is_silent
    assert Event.objects.filter(subject=f"workflow:{pk}").exists() == is_silent


def test_it_is_said_once_however_often_it_is_looked_at() -> None:
    pk = workflow(400)
    for _ in range(3):
        watch()
    assert Event.objects.filter(subject=f"workflow:{pk}").count() == 1
    assert Attention.objects.get().code == SILENT


def test_the_same_attention_stays_until_it_is_unknown() -> None:
    pk = workflow(400)
    watch()
    since = Attention.objects.get().since
    Workflow.objects.filter(pk=pk).update(last_seen_at=ago(hours=1))
    watch()
    attention = Attention.objects.get()
    assert attention.since == since
    assert attention.message.startswith("What became of workflow")
    kinds = Event.objects.filter(subject=f"workflow:{pk}").values_list(
        "kind", flat=True
    )
    assert sorted(kinds) == ["stalled", "unknown"]


def test_one_that_never_began_is_told_so() -> None:
    workflow(4_000, Status.SUBMITTED, begun_at=None, progress_instant=None)
    watch()
    assert "never began" in Attention.objects.get().message
    assert Event.objects.get().message == "It never began: it is unknown."


@pytest.mark.parametrize("silent_s", [400, 4_000])
def test_the_next_call_brings_it_back(silent_s: float) -> None:
    caller = make_caller()
    pk = workflow(silent_s, token_digest=caller.token_digest)
    watch()
    tracing.update(Workflow.objects.get(pk=pk).workflow_id, update_call(), caller)
    assert state(pk) == (Status.RUNNING, False)
    assert not Attention.objects.exists()
    watch()
    assert state(pk) == (Status.RUNNING, False)


@pytest.mark.parametrize("heartbeat", [None, GAP])
def test_after_an_outage_of_ours_nobody_was_silent(
    heartbeat: dt.timedelta | None,
) -> None:
    Heartbeat.objects.all().delete()
    if heartbeat:
        data = {"since": ago(days=9).isoformat()}
        at = timezone.now() - heartbeat
        Heartbeat.objects.create(host="", role=ROLE, at=at, data=data)
    pk = workflow(2_000)
    watch()
    watch()
    assert state(pk) == (Status.RUNNING, False)


def test_the_time_counts_again_from_the_end_of_an_outage() -> None:
    data = {"since": ago(seconds=400).isoformat()}
    Heartbeat.objects.update(data=data)
    pk = workflow(2_000)
    watch()
    assert state(pk) == (Status.RUNNING, True)


@pytest.mark.django_db(transaction=True)
def test_one_that_is_heard_of_at_this_moment_is_not_silent() -> None:
    pk = workflow(400)
    other = workflow(400)
    held, done = threading.Event(), threading.Event()

    def call() -> None:
        with transaction.atomic():
            Workflow.objects.select_for_update().get(pk=pk)
            held.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=call)
    thread.start()
    try:
        assert held.wait(10)
        watch()
    finally:
        done.set()
        thread.join()
    assert state(pk) == (Status.RUNNING, False)
    assert state(other) == (Status.RUNNING, True)


@pytest.mark.parametrize("state", ["pending", "starting", "running"])
@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.RUNNING])
def test_one_whose_launch_is_under_way_is_not_unknown(
    state: str, status: Status
) -> None:
    pk = workflow(20 * 3600, status)
    LaunchFactory.create(workflow=Workflow.objects.get(pk=pk), state=state)
    watch()
    assert Workflow.objects.get(pk=pk).status == status
    Launch.objects.update(state="lost")
    watch()
    assert Workflow.objects.get(pk=pk).status == Status.UNKNOWN
