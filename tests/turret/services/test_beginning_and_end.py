from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from seqhub.operations.models import Attention, Event
from tests.turret.services.calls import (
    NOW_MS,
    SESSION,
    begin_call,
    complete_call,
    make_caller,
    make_run,
    make_task,
    update_call,
)
from turret.choices import Status
from turret.engine.records import Process, Progress, Run
from turret.models import Workflow
from turret.services import attention, tracing
from turret.services.callers import Caller
from turret.words import TaskStatus

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 8, 22, 8, 0, 9, tzinfo=UTC)


@pytest.fixture
def caller() -> Caller:
    return make_caller()


@pytest.fixture
def run(caller: Caller) -> Workflow:
    return make_run(caller)


def kinds_of(run: Workflow) -> list[str]:
    events = Event.objects.filter(subject=run.subject).order_by("id")
    return list(events.values_list("kind", flat=True))


def values_of(run: Workflow) -> dict[str, Any]:
    """All but the time of the last call."""
    values = Workflow.objects.values().get(pk=run.pk)
    return {**values, "last_seen_at": None}


# One of each column.
FULL = Run(
    run_name="mad_curie",
    session_id=SESSION,
    project_name="nf-core/demo",
    repository="https://github.com/nf-core/demo",
    script_id="f0e1",
    script_name="main.nf",
    script_file="/x/main.nf",
    commit_id="4590",
    revision="1.0.1",
    profile="singularity",
    user_name="ann",
    command_line="nextflow run nf-core/demo",
    container="quay.io/x:1",
    container_engine="singularity",
    launch_dir="/data/run1",
    work_dir="/scratch/work",
    project_dir="/home/ann/.nextflow",
    output_dir="/data/run1/results",
    home_dir="/home/ann",
    nextflow_version="25.04.4",
    config_files=["/data/run1/nextflow.config"],
    config_text="params { }",
    params={"max_memory": {"bytes": 2**70}, "tag": "\u4e2d\U0001f600"},
    manifest={"name": "nf-core/demo"},
    stats={"succeededCount": 2},
    started_at=STARTED,
    completed_at=STARTED + timedelta(minutes=9),
    duration_ms=540_000,
    resume=True,
    stub_run=True,
    preview=True,
    fail_on_ignore=True,
    success=False,
    exit_status=137,
    error_message="killed",
    error_report="x" * 1_000_000,
    extra={"wave": {"enabled": False}},
)


def test_each_field_of_a_run_has_its_column(run: Workflow, caller: Caller) -> None:
    call = replace(complete_call(), run=FULL, metrics=[{"process": "A", "cpu": None}])
    tracing.complete(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert {name: getattr(run, name) for name in Run.__slots__} == {
        name: getattr(FULL, name) for name in Run.__slots__
    }
    assert run.metrics == [{"process": "A", "cpu": None}]


def test_begin_stores_where_and_with_what_it_runs(
    run: Workflow, caller: Caller
) -> None:
    call = replace(begin_call(), run=FULL, dag={"vertices": []})
    tracing.begin(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert run.status == Status.RUNNING
    assert run.begun_at is not None
    assert (run.params, run.config_text) == (FULL.params, FULL.config_text)
    assert (run.process_names, run.dag) == (["DEMO:ALIGN"], {"vertices": []})
    # What begin says of the end means nothing.
    assert (run.success, run.exit_status, run.error_report) == (None, None, "")
    assert (run.completed_at, run.duration_ms, run.stats) == (None, None, None)


def test_what_begin_does_not_say_stays(run: Workflow, caller: Caller) -> None:
    call = replace(begin_call(), run=Run(success=False), process_names=[])
    tracing.begin(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.run_name, run.session_id) == ("mad_curie", SESSION)
    assert run.project_name == "nf-core/demo"


def test_begin_names_a_run_that_create_did_not(caller: Caller) -> None:
    run = make_run(caller, run_name="", session_id="")
    call = begin_call(run_name="dispatcher_b7")
    tracing.begin(run.workflow_id, call, caller)
    tracing.complete(run.workflow_id, complete_call(run_name="other"), caller)
    run.refresh_from_db()
    assert run.batch_id == "b7"
    assert run.session_id == SESSION


def test_end_names_a_run_that_nothing_else_did(caller: Caller) -> None:
    run = make_run(caller, run_name="")
    call = complete_call(run_name="dispatcher_b7")
    tracing.complete(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.run_name, run.batch_id) == ("dispatcher_b7", "b7")


def test_repeated_begin_changes_nothing(run: Workflow, caller: Caller) -> None:
    tracing.begin(run.workflow_id, begin_call(), caller)
    before = values_of(run)
    tracing.begin(run.workflow_id, begin_call(), caller)
    assert values_of(run) == before
    assert kinds_of(run) == ["created", "began"]


def test_repeated_complete_changes_nothing(run: Workflow, caller: Caller) -> None:
    call = complete_call(
        counters={"failed": 1}, success=False, exit_status=1, error_report="no"
    )
    tracing.complete(run.workflow_id, call, caller)
    before = values_of(run)
    tracing.complete(run.workflow_id, call, caller)
    assert values_of(run) == before
    assert kinds_of(run) == ["created", "ended"]
    assert Attention.objects.filter(subject=run.subject).count() == 1


def test_end_without_a_beginning(run: Workflow, caller: Caller) -> None:
    """As Nextflow 25.08 to 25.10 may do it."""
    tracing.complete(run.workflow_id, complete_call(), caller)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert (run.begun_at, run.launch_dir) == (None, "")
    assert run.ended_at is not None


def test_late_begin_fills_gaps_and_keeps_the_end(run: Workflow, caller: Caller) -> None:
    end = complete_call(work_dir="/scratch/work", extra={"wave": 1, "fusion": 1})
    tracing.complete(run.workflow_id, end, caller)
    late = begin_call(
        work_dir="/other", profile="test", extra={"wave": 2, "platform": {}}
    )
    tracing.begin(run.workflow_id, late, caller)
    run.refresh_from_db()
    assert (run.status, run.success) == (Status.SUCCEEDED, True)
    assert (run.work_dir, run.profile) == ("/scratch/work", "test")
    assert run.process_names == ["DEMO:ALIGN"]
    assert run.extra == {"wave": 1, "fusion": 1, "platform": {}}


def test_late_tasks_are_stored_and_late_counters_are_not(
    run: Workflow, caller: Caller
) -> None:
    end = complete_call(counters={"succeeded": 2})
    tracing.complete(run.workflow_id, end, caller)
    # Also of a clock that was set back meanwhile.
    for task_id, instant in ((1, NOW_MS + 8000), (2, NOW_MS + 99_000)):
        late = update_call(
            [make_task(task_id)],
            instant=instant,
            running=1,
            processes=[Process(name="A", running=1)],
        )
        tracing.update(run.workflow_id, late, caller)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert (run.succeeded, run.running, run.processes.count()) == (2, 0, 0)
    assert run.tasks.count() == 2


def test_last_counters_count_also_when_the_clock_was_set_back(
    run: Workflow, caller: Caller
) -> None:
    tracing.update(run.workflow_id, update_call(running=2), caller)
    end = complete_call(NOW_MS - 60_000, counters={"succeeded": 2})
    end.progress = Progress(end.progress.counters, [Process(name="A", succeeded=2)])  # type: ignore[union-attr]
    tracing.complete(run.workflow_id, end, caller)
    run.refresh_from_db()
    assert (run.status, run.running, run.succeeded) == (Status.SUCCEEDED, 0, 2)
    assert run.processes.get().succeeded == 2


def test_older_complete_changes_nothing(run: Workflow, caller: Caller) -> None:
    tracing.complete(run.workflow_id, complete_call(), caller)
    older = complete_call(NOW_MS, success=False, exit_status=1)
    tracing.complete(run.workflow_id, older, caller)
    run.refresh_from_db()
    assert (run.status, run.exit_status) == (Status.SUCCEEDED, 0)


def test_complete_without_a_clock_counts(run: Workflow, caller: Caller) -> None:
    tracing.update(run.workflow_id, update_call(running=2), caller)
    tracing.complete(run.workflow_id, complete_call(None, counters={}), caller)
    run.refresh_from_db()
    assert (run.status, run.running) == (Status.SUCCEEDED, 0)


@pytest.mark.parametrize(
    ("fields", "counters", "status"),
    [
        ({}, {"failed": 3, "ignored": 3}, Status.SUCCEEDED),
        ({"fail_on_ignore": True}, {"failed": 3, "ignored": 3}, Status.FAILED),
        ({"fail_on_ignore": True}, {"failed": 3, "retries": 3}, Status.SUCCEEDED),
        ({"success": False, "exit_status": 137}, {"failed": 1}, Status.FAILED),
        (
            {"success": False, "exit_status": None, "error_report": "SIGINT"},
            {"aborted": 1},
            Status.CANCELLED,
        ),
        ({"success": None, "exit_status": None}, {}, Status.UNKNOWN),
    ],
    ids=["ignored", "failOnIgnore", "retried", "failed", "SIGINT", "says nothing"],
)
def test_verdict(
    run: Workflow,
    caller: Caller,
    fields: dict[str, Any],
    counters: dict[str, int],
    status: str,
) -> None:
    end = complete_call(counters=counters, **fields)
    tracing.complete(run.workflow_id, end, caller)
    run.refresh_from_db()
    assert run.status == status
    assert kinds_of(run) == ["created", "ended"]
    # What comes late does not bring an ended one back.
    tracing.update(run.workflow_id, update_call(running=1), caller)
    run.refresh_from_db()
    assert run.status == status


def test_verdict_knows_what_begin_and_updates_said(
    run: Workflow, caller: Caller
) -> None:
    tracing.begin(run.workflow_id, begin_call(fail_on_ignore=True), caller)
    tracing.update(run.workflow_id, update_call(failed=1, ignored=1), caller)
    tracing.complete(run.workflow_id, complete_call(), caller)
    run.refresh_from_db()
    assert run.status == Status.FAILED


def test_end_of_a_silent_workflow_closes_its_attention(
    run: Workflow, caller: Caller
) -> None:
    Workflow.objects.update(stalled_at=timezone.now())
    Attention.objects.create(
        subject=run.subject, code="workflow_silent", since=timezone.now(), message="?"
    )
    tracing.complete(run.workflow_id, complete_call(), caller)
    run.refresh_from_db()
    assert run.stalled_at is None
    assert not Attention.objects.exists()


def test_call_after_silence_closes_its_attention(run: Workflow, caller: Caller) -> None:
    Workflow.objects.update(status=Status.UNKNOWN)
    Attention.objects.create(
        subject=run.subject, code="workflow_silent", since=timezone.now(), message="?"
    )
    tracing.begin(run.workflow_id, begin_call(), caller)
    assert not Attention.objects.exists()
    assert kinds_of(run) == ["created", "returned", "began"]


def test_tasks_that_were_aborted_have_ended(run: Workflow, caller: Caller) -> None:
    aborted = make_task(1, TaskStatus.ABORTED, started_at=STARTED)
    tracing.update(run.workflow_id, update_call([aborted], aborted=1), caller)
    end = complete_call(success=False, exit_status=None, error_report="SIGTERM")
    tracing.complete(run.workflow_id, end, caller)
    run.refresh_from_db()
    assert (run.status, run.aborted) == (Status.CANCELLED, 1)
    assert run.tasks.get().completed_at is None


def test_error_of_ours_refuses_neither_begin_nor_end(
    run: Workflow, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link_by_itself(pk: int, *_: object) -> None:
        Workflow.objects.filter(pk=pk).update(labels=["half"])
        raise ZeroDivisionError

    def ended(pk: int) -> None:
        Workflow.objects.filter(pk=pk).update(run_name="x" * 256)

    monkeypatch.setattr(tracing, "link_by_itself", link_by_itself)
    monkeypatch.setattr(attention, "ended", ended)
    tracing.begin(run.workflow_id, begin_call(), caller)
    tracing.complete(run.workflow_id, complete_call(), caller)
    run.refresh_from_db()
    assert (run.status, run.labels) == (Status.SUCCEEDED, [])
    assert kinds_of(run) == ["created", "began", "ended"]


def test_note_keeps_the_run_of_the_scheduler(run: Workflow, caller: Caller) -> None:
    tracing.begin(run.workflow_id, begin_call(extra={"wave": {}}), caller)
    tracing.note(run.workflow_id, caller, {"schedRunId": "s-7", "other": [1]})
    tracing.note(run.workflow_id, caller, {"schedRunId": ["no text"]})
    run.refresh_from_db()
    assert run.extra == {"wave": {}, "schedRunId": "s-7"}
