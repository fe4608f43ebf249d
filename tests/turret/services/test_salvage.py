"""What should never come from engine.trace: values that PostgreSQL can't take. One of
them must not cost the others, let alone the pipeline."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.turret.services.calls import (
    begin_call,
    complete_call,
    make_task,
    update_call,
)
from turret.choices import Status
from turret.engine.records import Process
from turret.models import Workflow
from turret.services import tracing
from turret.services.callers import Caller

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "bad",
    [
        {"attempt": 2**63},
        {"script": "a\0b"},
        {"script": "\ud83d"},
        {"extra": {"a": "\0"}},
        {"extra": {"a": "\ud83d"}},
        {"exit": "garbage"},
        {"submitted_at": "garbage"},
        {"error_action": "x" * 21},
        {"pcpu": 10**400},
    ],
    ids=str,
)
def test_bad_task_costs_no_other(
    run: Workflow,
    caller: Caller,
    bad: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks = [make_task(1, exit=1), make_task(2, **bad), make_task(3, exit=3)]
    call = update_call(tasks, processes=[Process(name="A", running=1)], running=4)
    tracing.update(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.status, run.running) == (Status.RUNNING, 4)
    assert run.processes.get().running == 1
    assert list(run.tasks.values_list("task_id", "status", "exit")) == [
        (1, "completed", 1),
        # Of this one no more is known.
        (2, "completed", None),
        (3, "completed", 3),
    ]
    assert any(r.levelno == logging.WARNING for r in caplog.records)


def test_number_that_is_not_finite_is_not_known(run: Workflow, caller: Caller) -> None:
    task = make_task(1, pcpu=float("nan"), extra={"a": float("inf"), "b": 1})
    tracing.update(run.workflow_id, update_call([task]), caller)
    row = run.tasks.get()
    assert (row.pcpu, row.extra) == (None, {"a": None, "b": 1})


def test_bad_process_or_counter_costs_no_other(run: Workflow, caller: Caller) -> None:
    processes = [
        Process(name="A", index=2**31),
        Process(name="B" * 700),
        Process(name="C", running=2),
    ]
    call = update_call([make_task()], processes=processes, running=2**63)
    tracing.update(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.status, run.running) == (Status.RUNNING, 0)
    assert run.processes.get().name == "C"
    assert run.tasks.count() == 1


def test_bad_container_costs_no_task(run: Workflow, caller: Caller) -> None:
    call = replace(update_call([make_task()]), containers=[{"targetImage": "\0"}])
    tracing.update(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.tasks.count(), run.containers) == (1, [])


def test_bad_parameter_costs_nothing_else_of_a_begin(
    run: Workflow, caller: Caller
) -> None:
    call = begin_call(params={"a": "\0"}, work_dir="/w", started_at=None)
    tracing.begin(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.status, run.work_dir, run.params) == (Status.RUNNING, "/w", None)
    assert run.begun_at is not None


def test_bad_report_costs_no_verdict(run: Workflow, caller: Caller) -> None:
    call = complete_call(
        counters={"failed": 2**70},
        success=False,
        exit_status=2**64,
        error_report="\ud83d",
        error_message="killed",
        completed_at=datetime(2026, 8, 22, tzinfo=UTC),
    )
    tracing.complete(run.workflow_id, call, caller)
    run.refresh_from_db()
    assert (run.status, run.error_message) == (Status.FAILED, "killed")
    assert (run.exit_status, run.error_report, run.failed) == (None, "", 0)
    assert run.ended_at is not None
