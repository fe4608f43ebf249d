from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from seqhub.operations.models import Attention
from tests.turret.services.calls import (
    SESSION,
    begin_call,
    complete_call,
    kinds_of,
    make_run,
    values_of,
)
from turret.choices import Status
from turret.engine.records import Run
from turret.models import Workflow
from turret.services import tracing
from turret.services.callers import Caller

pytestmark = pytest.mark.django_db

STARTED = datetime(2026, 8, 22, 8, 0, 9, tzinfo=UTC)


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
    project_dir="/homes/ann/.nextflow",
    output_dir="/data/run1/results",
    home_dir="/homes/ann",
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


def test_repeated_begin_changes_nothing(run: Workflow, caller: Caller) -> None:
    tracing.begin(run.workflow_id, begin_call(), caller)
    before = values_of(run)
    tracing.begin(run.workflow_id, begin_call(), caller)
    assert values_of(run) == before
    assert kinds_of(run) == ["created", "began"]


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


def test_call_after_silence_closes_its_attention(run: Workflow, caller: Caller) -> None:
    Workflow.objects.update(status=Status.UNKNOWN)
    Attention.objects.create(
        subject=run.subject, code="workflow_silent", since=timezone.now(), message="?"
    )
    tracing.begin(run.workflow_id, begin_call(), caller)
    assert not Attention.objects.exists()
    assert kinds_of(run) == ["created", "returned", "began"]


def test_note_keeps_the_run_of_the_scheduler(run: Workflow, caller: Caller) -> None:
    tracing.begin(run.workflow_id, begin_call(extra={"wave": {}}), caller)
    tracing.note(run.workflow_id, caller, {"schedRunId": "s-7", "other": [1]})
    tracing.note(run.workflow_id, caller, {"schedRunId": ["no text"]})
    run.refresh_from_db()
    assert run.extra == {"wave": {}, "schedRunId": "s-7"}
