"""Trace bodies as records: what they say of a workflow."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.turret.engine.recorded import Sent, everything, last
from turret.engine.records import Counters, Create, Process, Run
from turret.engine.trace import (
    read_begin,
    read_complete,
    read_create,
    read_update,
)

INSTANT = 1_787_400_000_123


def one_run(**workflow: Any) -> Run:
    return read_begin({"workflow": workflow}).run


def test_a_create() -> None:
    assert read_create(
        {
            "sessionId": "6f1e0d7c-1111-4222-8333-944455556666",
            "runName": "mad_curie",
            "projectName": "nf-core/demo",
            "repository": None,
            "workflowId": "4Bi5xBK6E2Nbhj",
            "instant": INSTANT,
        }
    ) == Create(
        session_id="6f1e0d7c-1111-4222-8333-944455556666",
        run_name="mad_curie",
        project_name="nf-core/demo",
        repository="",
        workflow_id="4Bi5xBK6E2Nbhj",
        instant=INSTANT,
    )


@pytest.mark.parametrize(
    ("body", "session_id", "run_name"),
    [
        ({}, "", ""),
        ({"sessionId": "s", "runName": "mad_curie"}, "s", "mad_curie"),
        ({"sessionId": ["s"], "runName": 5}, "", "5"),
        ({"sessionId": "s" * 300, "runName": "中" * 300}, "s" * 255, "中" * 255),
    ],
)
def test_a_create_may_say_little(
    body: dict[str, Any], session_id: str, run_name: str
) -> None:
    assert read_create(body) == Create(session_id, run_name, "", "", "", None)


@pytest.mark.parametrize(
    ("workflow_id", "read"),
    [
        ("4Bi5xBK6E2Nbhj", "4Bi5xBK6E2Nbhj"),
        ("a-b_c", "a-b_c"),
        ("nullable", "nullable"),
        ("null", ""),
        ("x" * 17, ""),
        ("a/b", ""),
        ("a\n", ""),
        ("é", ""),
        ("", ""),
        (None, ""),
        ({}, ""),
    ],
)
def test_a_workflow_id_that_can_not_be_one_counts_as_none(
    workflow_id: object, read: str
) -> None:
    assert read_create({"workflowId": workflow_id}).workflow_id == read


def test_a_begin_that_nextflow_sent() -> None:
    body = last("success", "begin")
    begin = read_begin(body)
    workflow = body["workflow"]
    assert begin.instant == body["instant"]
    assert begin.process_names == ["SUB:PREP", "SUB:COUNT", "MERGE"]
    assert begin.dag is None
    assert begin.run.run_name == workflow["runName"]
    assert begin.run.session_id == workflow["sessionId"]
    assert begin.run.command_line == workflow["commandLine"]
    assert begin.run.config_text == workflow["configText"]
    assert begin.run.config_files == workflow["configFiles"]
    assert begin.run.params == workflow["params"]
    assert begin.run.manifest == workflow["manifest"]
    assert begin.run.started_at == datetime.fromisoformat(workflow["start"])
    assert begin.run.completed_at is None
    assert begin.run.nextflow_version == "25.04.4"
    assert begin.run.extra["nextflow"]["build"] == workflow["nextflow"]["build"]
    assert (begin.run.resume, begin.run.stub_run) == (False, False)
    assert "id" not in begin.run.extra


def test_a_begin_of_26_05_has_a_graph() -> None:
    # Known from its source only: no such client was recorded.
    dag = {"vertices": [{"id": "0", "type": "PROCESS", "label": "A"}], "edges": []}
    assert read_begin({"dag": dag}).dag == dag
    assert read_begin({"dag": [dag]}).dag is None


def test_every_field_of_a_workflow() -> None:
    workflow = {
        "id": "4Bi5xBK6E2Nbhj", "runName": "mad_curie", "sessionId": "6f1e",
        "scriptId": "f0e1", "scriptFile": "/a/main.nf", "scriptName": "main.nf",
        "repository": "https://github.com/nf-core/demo", "commitId": "4590",
        "revision": "1.0.1", "projectDir": "/a", "projectName": "nf-core/demo",
        "launchDir": "/l", "workDir": "/w", "outputDir": "/o", "homeDir": "/h",
        "userName": "ann", "profile": "test", "commandLine": "nextflow run",
        "start": "2026-08-22T12:00+02:00", "complete": "2026-08-22T12:01+02:00",
        "duration": 60000, "success": True, "exitStatus": 0, "errorMessage": "m",
        "errorReport": "r", "resume": True, "stubRun": False, "preview": False,
        "failOnIgnore": False, "container": "c:1", "containerEngine": "singularity",
        "configFiles": ["/a/nextflow.config"], "configText": "params {}",
        "params": {"input": "s.csv"}, "nextflow": {"version": "26.08.0-edge"},
        "manifest": {"name": "demo"}, "stats": {"failedCount": 0}, "logFile": "/log",
    }  # fmt: skip
    start = datetime(2026, 8, 22, 10, tzinfo=UTC)
    assert read_complete({"workflow": workflow}).run == Run(
        run_name="mad_curie",
        session_id="6f1e",
        project_name="nf-core/demo",
        repository="https://github.com/nf-core/demo",
        script_id="f0e1",
        script_name="main.nf",
        script_file="/a/main.nf",
        commit_id="4590",
        revision="1.0.1",
        profile="test",
        user_name="ann",
        command_line="nextflow run",
        container="c:1",
        container_engine="singularity",
        launch_dir="/l",
        work_dir="/w",
        project_dir="/a",
        output_dir="/o",
        home_dir="/h",
        nextflow_version="26.08.0-edge",
        config_files=["/a/nextflow.config"],
        config_text="params {}",
        params={"input": "s.csv"},
        manifest={"name": "demo"},
        stats={"failedCount": 0},
        started_at=start,
        completed_at=start + timedelta(minutes=1),
        duration_ms=60000,
        resume=True,
        stub_run=False,
        preview=False,
        fail_on_ignore=False,
        success=True,
        exit_status=0,
        error_message="m",
        error_report="r",
        extra={"nextflow": {"version": "26.08.0-edge"}, "logFile": "/log"},
    )


def test_a_complete_that_nextflow_sent() -> None:
    body = last("failed", "complete")
    complete = read_complete(body)
    workflow = body["workflow"]
    assert (complete.run.success, complete.run.exit_status) == (False, 1)
    assert complete.run.error_report == workflow["errorReport"]
    assert complete.run.error_message == workflow["errorMessage"]
    assert complete.run.completed_at == datetime.fromisoformat(workflow["complete"])
    assert complete.run.duration_ms == workflow["duration"]
    assert complete.run.stats == workflow["stats"]
    assert complete.metrics == body["metrics"]
    assert complete.progress
    assert complete.progress.counters == Counters(
        succeeded=5, failed=1, aborted=2, submitted=1, peak_cpus=2, peak_running=2
    )
    bad = {process.name: process for process in complete.progress.processes}["BAD"]
    assert bad == Process(
        name="BAD",
        index=2,
        submitted=1,
        running=-1,
        succeeded=1,
        failed=1,
        aborted=2,
        load_cpus=-1,
        peak_cpus=2,
        peak_running=2,
    )


@pytest.mark.parametrize(
    ("workflow", "field", "value"),
    [
        ({"exitStatus": 2147483647}, "exit_status", None),
        ({"success": "true"}, "success", None),
        ({"success": False}, "success", False),
        ({"failOnIgnore": True}, "fail_on_ignore", True),
        ({"container": "a:x,b:y"}, "container", "a:x,b:y"),
        ({"params": [1]}, "params", None),
        ({"params": {"n": 10**400}}, "params", {"n": 10**400}),
        ({"configFiles": "one"}, "config_files", []),
        ({"runName": "x" * 300}, "run_name", "x" * 255),
        ({"runName": "mad_😀"}, "run_name", "mad_😀"),
        ({"params": {"שלום": ["中文 😀"]}}, "params", {"שלום": ["中文 😀"]}),
        ({"errorReport": "x" * 2**20}, "error_report", "x" * 2**20),
        ({"nextflow": {"version": "9" * 200}}, "nextflow_version", "9" * 100),
        ({"nextflow": "25.04"}, "nextflow_version", ""),
        ({"wave": {"enabled": False}}, "extra", {"wave": {"enabled": False}}),
        ({"id": "4Bi5xBK6E2Nbhj", "logFile": None}, "extra", {}),
    ],
)
def test_fields_of_a_workflow(
    workflow: dict[str, Any], field: str, value: object
) -> None:
    assert getattr(one_run(**workflow), field) == value


@pytest.mark.parametrize("odd", [None, [], "x", 5, True])
def test_parts_of_another_type_are_skipped(odd: object) -> None:
    begin = read_begin({"workflow": odd, "processNames": odd, "instant": odd})
    assert (begin.run, begin.process_names) == (Run(), [])
    complete = read_complete({"workflow": odd, "metrics": odd, "progress": odd})
    assert (complete.run, complete.metrics, complete.progress) == (Run(), [], None)


def test_metrics_may_lack_series_and_have_new_ones() -> None:
    metrics = [
        {"process": "A", "cpu": None, "mem": None},
        {"process": "B", "gpuUsage": {"mean": 5.5}},
    ]
    assert read_complete({"metrics": [*metrics, 5, None]}).metrics == metrics


@settings(deadline=None)
@given(st.sampled_from(everything()), st.randoms())
def test_the_order_of_keys_does_not_matter(call: Sent, order: random.Random) -> None:
    read = {"create": read_create, "begin": read_begin, "complete": read_complete}.get(
        call.verb, read_update
    )

    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return list(map(shuffled, value)) if isinstance(value, list) else value
        items = list(value.items())
        order.shuffle(items)
        return {key: shuffled(item) for key, item in items}

    assert read(shuffled(call.body)) == read(call.body)
