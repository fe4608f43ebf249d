"""The calls of a run, in any order and any number: checks 11 and 13 to 19, 49."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from seqhub.operations.models import Event
from tests.turret.api.trace.wire import (
    INSTANT,
    Wire,
    batch,
    beginning,
    counters,
    ending,
    task,
)
from turret.choices import Status, TaskStatus
from turret.models import Workflow, WorkflowProcess, WorkflowTask

VERBS = ["begin", "progress", "heartbeat", "complete"]


def row() -> Workflow:
    return Workflow.objects.get()


def statuses() -> dict[int, str]:
    return dict(WorkflowTask.objects.values_list("task_id", "status"))


def kinds() -> list[str]:
    """Of the events, of all things."""
    return list(Event.objects.values_list("kind", flat=True))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "workflow_id", ["4Bi5xBK6E2Nbhj", "null", "a%00b", "a\0b", "ä"]
)
def test_a_call_for_no_workflow_makes_none(
    wire: Wire, workflow_id: str, verb: str
) -> None:
    answer = wire.call(workflow_id, verb, batch(task()))
    assert answer.status == 404
    assert answer.body["code"] == "unknown_workflow"
    assert not Workflow.objects.exists()


def test_null_is_told_that_its_create_failed(wire: Wire) -> None:
    assert "create" in wire.call("null", "begin", beginning()).message


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("begin", beginning()),
        ("progress", batch(task(), succeeded=1)),
        ("complete", ending()),
    ],
)
def test_a_call_that_comes_twice_changes_nothing(
    wire: Wire, verb: str, body: dict[str, Any]
) -> None:
    made = wire.created()
    assert wire.call(made, verb, body).status == 200
    before = state()
    assert wire.call(made, verb, body).status == 200
    assert state() == before


def state() -> object:
    """All that is stored, but for when it was last heard of."""
    seen = {"last_seen_at", "status_since"}
    names = {field.attname for field in Workflow._meta.concrete_fields} - seen
    return (
        Workflow.objects.values_list(*sorted(names)).get(),
        list(WorkflowTask.objects.values()),
        list(WorkflowProcess.objects.values()),
        list(Event.objects.values("subject", "kind")),
    )


def test_a_run_goes_from_its_create_to_its_end(wire: Wire) -> None:
    made = wire.created()
    assert row().status == Status.SUBMITTED
    answer = wire.call(made, "begin", beginning())
    assert answer.body["status"] == "OK"
    assert answer.body["workflowId"] == made
    assert row().status == Status.RUNNING
    wire.call(made, "progress", batch(task(1, "RUNNING"), running=1))
    assert statuses() == {1: TaskStatus.RUNNING}
    wire.call(made, "heartbeat", {"progress": counters(running=1), "instant": INSTANT})
    wire.call(made, "progress", batch(task(1), instant=INSTANT + 3000, succeeded=1))
    wire.call(made, "complete", ending())
    assert statuses() == {1: TaskStatus.COMPLETED}
    assert (row().status, row().succeeded, row().running) == (Status.SUCCEEDED, 1, 0)
    assert row().params == {"input": "s.csv"}


def test_progress_before_begin_is_taken(wire: Wire) -> None:
    made = wire.created()
    assert wire.call(made, "progress", batch(task())).status == 200
    assert row().status == Status.RUNNING


def test_complete_without_begin_is_taken(wire: Wire) -> None:
    made = wire.created()
    assert wire.call(made, "complete", ending()).status == 200
    assert (row().status, row().begun_at) == (Status.SUCCEEDED, None)


def test_begin_after_complete_keeps_the_final_state(wire: Wire) -> None:
    made = wire.created()
    wire.call(made, "complete", ending())
    assert wire.call(made, "begin", beginning()).status == 200
    assert row().status == Status.SUCCEEDED
    assert row().success is True


def test_an_older_body_moves_no_task_back(wire: Wire) -> None:
    made = wire.created()
    wire.call(made, "progress", batch(task(5), instant=INSTANT + 5000, succeeded=1))
    older = batch(task(5, "RUNNING"), instant=INSTANT + 4000, running=1)
    assert wire.call(made, "progress", older).status == 200
    assert statuses() == {5: TaskStatus.COMPLETED}
    assert (row().succeeded, row().running) == (1, 0)


def test_a_task_that_is_twice_in_a_body_is_as_the_last_one_says(wire: Wire) -> None:
    made = wire.created()
    body = batch(task(5, "RUNNING"), task(5, "COMPLETED", exit=3))
    assert wire.call(made, "progress", body).status == 200
    assert statuses() == {5: TaskStatus.COMPLETED}
    assert WorkflowTask.objects.get().exit == 3


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("progress", batch()),
        ("progress", {"progress": counters(), "instant": INSTANT}),
        ("progress", {"tasks": [], "instant": INSTANT}),
        ("heartbeat", {}),
        ("heartbeat", {"tasks": [task()]}),
    ],
)
def test_any_sign_of_life_counts(wire: Wire, verb: str, body: dict[str, Any]) -> None:
    made = wire.created()
    long_ago = timezone.now() - dt.timedelta(hours=1)
    Workflow.objects.update(last_seen_at=long_ago)
    assert wire.call(made, verb, body).status == 200
    assert timezone.now() - row().last_seen_at < dt.timedelta(minutes=1)
    assert row().status == Status.RUNNING


def test_tasks_that_come_after_the_end_are_kept(wire: Wire) -> None:
    made = wire.created()
    wire.call(made, "complete", ending())
    assert wire.call(made, "progress", batch(task(7))).status == 200
    assert statuses() == {7: TaskStatus.COMPLETED}
    assert row().status == Status.SUCCEEDED


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_a_note_is_kept(wire: Wire, prefix: str) -> None:
    made = wire.created()
    body = {"schedRunId": "sched-1"}
    assert wire.send("PATCH", f"{prefix}/workflow/{made}", body).status == 200
    assert row().extra["schedRunId"] == "sched-1"


@pytest.mark.parametrize("status", ["stalled", "unknown"])
def test_a_run_that_was_silent_comes_back(wire: Wire, status: str) -> None:
    made = wire.created()
    wire.call(made, "begin", beginning())
    changes: dict[str, Any] = {"stalled_at": timezone.now()}
    if status == "unknown":
        changes["status"] = Status.UNKNOWN
    Workflow.objects.update(**changes)
    assert wire.call(made, "heartbeat", {}).status == 200
    assert (row().status, row().stalled_at) == (Status.RUNNING, None)
    assert wire.call(made, "heartbeat", {}).status == 200
    assert kinds().count("returned") == 1


def test_a_resumed_run_is_another_one_of_the_session(wire: Wire) -> None:
    first = wire.created()
    wire.call(first, "complete", ending(success=False, exitStatus=1))
    second = wire.created(runName="lazy_turing", instant=INSTANT + 60_000)
    assert first != second
    cached = task(3, "CACHED", start="2026-08-20T10:00:09+02:00")
    wire.call(second, "begin", beginning(resume=True))
    body = batch(cached, instant=INSTANT + 61_000, cached=1)
    assert wire.call(second, "progress", body).status == 200
    runs = Workflow.objects.order_by("pk")
    assert len({run.session_id for run in runs}) == 1
    assert (runs[1].resume, runs[1].cached, runs[1].succeeded) == (True, 1, 0)
    assert WorkflowTask.objects.get().status == TaskStatus.CACHED
