"""Whatever a body says, what is read of it fits into the tables."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings

from tests.turret.engine.mutated import bodies, raw
from turret.engine.body import parse, shed
from turret.engine.records import JsonObject, Process, Run, Task
from turret.engine.trace import read_begin, read_complete, read_create, read_update
from turret.models import Workflow, WorkflowProcess, WorkflowTask

pytestmark = pytest.mark.django_db
# Each example rolls back what it wrote.
examples = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def workflow(run: Run, **more: Any) -> Workflow:
    now = timezone.now()
    values = {key: value for key, value in asdict(run).items() if value is not None}
    return Workflow.objects.create(
        workflow_id="4Bi5xBK6E2Nbhj",
        status_since=now,
        created_at=now,
        last_seen_at=now,
        **values,
        **more,
    )


def rounded(value: Any) -> Any:
    """JSON with all numbers as floats: PostgreSQL keeps 1e30 as an integer."""
    return json.loads(json.dumps(value), parse_int=float)


def row(task: Task) -> JsonObject:
    return asdict(task) | {"error_action": task.error_action or ""}


def store(processes: list[Process], tasks: list[Task], of: Workflow) -> None:
    WorkflowProcess.objects.bulk_create(
        WorkflowProcess(workflow=of, **asdict(process)) for process in processes
    )
    WorkflowTask.objects.bulk_create(
        WorkflowTask(workflow=of, **row(task)) for task in tasks
    )
    stored = {task.task_id: task for task in WorkflowTask.objects.filter(workflow=of)}
    assert len(stored) == len(tasks)
    for task in tasks:
        found = stored[task.task_id]
        for name, value in row(task).items():
            if name == "extra":
                assert rounded(found.extra) == rounded(value)
            else:
                assert getattr(found, name) == value, name


@examples
@given(bodies("create"))
def test_a_create_fits(body: JsonObject) -> None:
    call = read_create(parse(raw(body)))
    with transaction.atomic():
        made = workflow(
            Run(call.run_name, call.session_id, call.project_name, call.repository),
            progress_instant=call.instant,
        )
        made.refresh_from_db()
        assert made.run_name == call.run_name
        transaction.set_rollback(True)


@examples
@given(bodies("begin"))
def test_a_begin_fits(body: JsonObject) -> None:
    call = read_begin(parse(raw(body)))
    with transaction.atomic():
        made = workflow(
            call.run,
            dag=call.dag,
            process_names=call.process_names,
            progress_instant=call.instant,
        )
        made.refresh_from_db()
        assert rounded(made.params) == rounded(call.run.params)
        assert rounded(made.extra) == rounded(call.run.extra)
        transaction.set_rollback(True)


@examples
@given(bodies("progress", "heartbeat"))
def test_an_update_fits(body: JsonObject) -> None:
    call = read_update(parse(raw(body)))
    with transaction.atomic():
        made = workflow(Run(), containers=call.containers)
        store(call.progress.processes if call.progress else [], call.tasks, made)
        transaction.set_rollback(True)


@examples
@given(bodies("complete"))
def test_a_complete_fits(body: JsonObject) -> None:
    call = read_complete(parse(raw(body)))
    counters = asdict(call.progress.counters) if call.progress else {}
    with transaction.atomic():
        made = workflow(call.run, metrics=call.metrics, **counters)
        store(call.progress.processes if call.progress else [], [], made)
        made.refresh_from_db()
        assert rounded(made.metrics) == rounded(call.metrics)
        assert made.completed_at == call.run.completed_at
        transaction.set_rollback(True)


@settings(deadline=None)
@given(bodies("create", "begin", "progress", "heartbeat", "complete"))
def test_a_body_that_is_not_large_is_read_alike_after_shedding(
    body: JsonObject,
) -> None:
    whole, less = parse(raw(body)), parse(raw(body))
    shed(less)
    for read in (read_create, read_begin, read_update, read_complete):
        assert read(less) == read(whole)
