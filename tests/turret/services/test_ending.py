from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from seqhub.operations.models import Attention
from tests.turret.services.calls import (
    NOW_MS,
    begin_call,
    complete_call,
    kinds_of,
    make_run,
    make_task,
    update_call,
    values_of,
)
from turret.choices import Status
from turret.engine.records import Process, Progress
from turret.models import Workflow
from turret.services import attention, tracing
from turret.services.callers import Caller
from turret.words import TaskStatus

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 8, 22, 8, 0, 9, tzinfo=UTC)


def test_end_names_a_run_that_nothing_else_did(caller: Caller) -> None:
    run = make_run(caller, run_name="")
    call = complete_call(run_name="dispatcher_b7")
    tracing.complete(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.run_name, run.batch_id) == ("dispatcher_b7", "b7")


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

    def judge_end(pk: int) -> None:
        Workflow.objects.filter(pk=pk).update(run_name="x" * 256)

    monkeypatch.setattr(tracing, "link_by_itself", link_by_itself)
    monkeypatch.setattr(attention, "judge_end", judge_end)
    tracing.begin(run.workflow_id, begin_call(), caller)
    tracing.complete(run.workflow_id, complete_call(), caller)
    run.refresh_from_db()
    assert (run.status, run.labels) == (Status.SUCCEEDED, [])
    assert kinds_of(run) == ["created", "began", "ended"]
