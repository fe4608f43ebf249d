"""What genuine and odd clients put into bodies: checks 6, 20 to 33 and 44."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tests.turret.api.trace.wire import (
    INSTANT,
    Wire,
    batch,
    beginning,
    counters,
    ending,
    task,
)
from turret.choices import TaskStatus
from turret.models import Workflow, WorkflowProcess, WorkflowTask

NUL, HALF = "a\0b", "a\ud83d"


def stored(wire: Wire, **changes: Any) -> WorkflowTask:
    """The row of a task with these keys."""
    made = wire.created()
    assert wire.call(made, "progress", batch(task(**changes))).status == 200
    return WorkflowTask.objects.get()


def test_a_value_that_nextflow_could_not_write_is_null(wire: Wire) -> None:
    made = wire.created()
    raw = json.dumps(beginning(params={"a": 5, "b": 1})).replace('"a": 5', '"a":')
    assert wire.call(made, "begin", raw.encode()).status == 200
    assert Workflow.objects.get().params == {"a": None, "b": 1}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(2147483647, None), ("0", 0), (None, None), (137, 137), ("x", None)],
)
def test_an_exit_code_that_is_not_known_is_null(
    wire: Wire, sent: object, kept: int | None
) -> None:
    assert stored(wire, exit=sent).exit == kept


@pytest.mark.parametrize(
    ("key", "sent", "field", "kept"),
    [
        ("nativeId", 1234, "native_id", "1234"),
        ("nativeId", "1234.pbs", "native_id", "1234.pbs"),
        ("scratch", True, "scratch", "true"),
        ("scratch", "/tmp", "scratch", "/tmp"),
        ("module", [], "module", ""),
        ("module", ["a/1"], "module", "a/1"),
    ],
)
def test_mixed_types_are_kept_as_text(
    wire: Wire, key: str, sent: object, field: str, kept: str
) -> None:
    assert getattr(stored(wire, **{key: sent}), field) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-08-22T10:00Z", "2026-08-22T10:00:00+00:00"),
        ("2026-08-22T10:00:00.123456789Z", "2026-08-22T10:00:00.123456+00:00"),
        ("2026-08-22T10:00:00+05:30", "2026-08-22T04:30:00+00:00"),
        (None, None),
        ("", None),
        ("garbage", None),
        (5, None),
    ],
)
def test_dates_are_kept_in_utc(wire: Wire, sent: object, kept: str | None) -> None:
    expected = dt.datetime.fromisoformat(kept) if kept else None
    assert stored(wire, start=sent).started_at == expected


def test_nul_is_taken_out(wire: Wire) -> None:
    row = stored(wire, script=NUL, name=NUL)
    assert (row.script, row.name) == ("ab", "ab")
    made = row.workflow.workflow_id
    begun = beginning(params={NUL: NUL}, configText=NUL)
    assert wire.call(made, "begin", begun).status == 200
    end = ending(success=False, errorReport=NUL, params={NUL: NUL})
    assert wire.call(made, "complete", end).status == 200
    run = Workflow.objects.get()
    assert (run.params, run.config_text) == ({"ab": "ab"}, "ab")
    assert run.error_report == "ab"


def test_half_a_surrogate_pair_is_replaced(wire: Wire) -> None:
    row = stored(wire, script=HALF)
    assert row.script == "a\ufffd"
    begun = beginning(params={"x": HALF})
    assert wire.call(row.workflow.workflow_id, "begin", begun).status == 200
    assert Workflow.objects.get().params == {"x": "a\ufffd"}


@pytest.mark.parametrize("text", ["🧬", "测序", "تسلسل", "𝔸𝕃𝕀𝔾ℕ"])
def test_letters_of_any_kind_are_kept(wire: Wire, text: str) -> None:
    row = stored(wire, name=text, tag=text)
    assert (row.name, row.tag) == (text, text)
    begun = beginning(params={text: text})
    assert wire.call(row.workflow.workflow_id, "begin", begun).status == 200
    assert Workflow.objects.get().params == {text: text}


@pytest.mark.parametrize("sent", [2**63, -(2**63) - 1, 1e30, 10**400, "NaN", []])
@pytest.mark.parametrize("key", ["duration", "exit", "attempt", "rss"])
def test_a_number_that_does_not_fit_costs_no_more_than_itself(
    wire: Wire, key: str, sent: object
) -> None:
    row = stored(wire, **{key: sent})
    assert row.status == TaskStatus.COMPLETED
    assert row.cpus == 4


def test_a_number_of_thousands_of_digits_breaks_nothing(wire: Wire) -> None:
    raw = json.dumps(batch(task())).replace('"exit": 0', '"exit": ' + "9" * 5000)
    assert wire.call(wire.created(), "progress", raw.encode()).status in (200, 400)


@pytest.mark.parametrize("sent", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_what_is_not_finite_is_null(wire: Wire, sent: str) -> None:
    made = wire.created()
    raw = json.dumps(batch(task(pcpu=5.5))).replace("5.5", sent)
    assert wire.call(made, "progress", raw.encode()).status == 200
    assert WorkflowTask.objects.get().pcpu is None
    raw = json.dumps(beginning(params={"a": 5.5})).replace("5.5", sent)
    assert wire.call(made, "begin", raw.encode()).status == 200
    assert Workflow.objects.get().params == {"a": None}


def test_negative_and_large_figures_are_kept(wire: Wire) -> None:
    made = wire.created()
    body = batch(task(duration=-5, pcpu=6400.0))
    body["progress"]["processes"] = [{"name": "A", "index": 1, "running": -1}]
    assert wire.call(made, "progress", body).status == 200
    row = WorkflowTask.objects.get()
    assert (row.duration_ms, row.pcpu) == (-5, 6400.0)
    assert WorkflowProcess.objects.get().running == -1


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": {}, "progress": [], "instant": INSTANT},
        {"tasks": [1, None, "x", [], {}, {"taskId": "x"}], "instant": "now"},
        {"tasks": [task(cpus="4", name=5, attempt=[])]},
        {"progress": {"processes": {}, "running": "x"}, "containers": 7},
        {"progress": {"processes": [None, {}, {"name": 5}]}, "containers": [1]},
        {"instant": None},
    ],
)
def test_wrong_types_are_skipped(wire: Wire, body: dict[str, Any]) -> None:
    made = wire.created()
    for verb in ("progress", "heartbeat", "begin", "complete"):
        assert wire.call(made, verb, body).status == 200


@pytest.mark.parametrize("workflow", [None, [], "x", 5, {"params": 5, "manifest": []}])
def test_a_workflow_of_another_type_is_skipped(wire: Wire, workflow: object) -> None:
    made = wire.created()
    for verb in ("begin", "complete"):
        body = {"workflow": workflow, "metrics": {}, "processNames": 5, "dag": 7}
        assert wire.call(made, verb, body).status == 200


@pytest.mark.parametrize("word", ["STORED", "FOO", "", None, 5])
def test_a_task_of_an_unknown_state_is_kept(wire: Wire, word: object) -> None:
    row = stored(wire, status=word)
    assert row.status == TaskStatus.OTHER


def test_unknown_keys_are_kept_or_ignored(wire: Wire) -> None:
    shapes = {"gpuMetrics": {"name": "A100"}, "brandNew": [1, {"a": None}]}
    row = stored(wire, **shapes)
    assert row.extra
    assert row.extra["gpuMetrics"] == {"name": "A100"}
    made = row.workflow.workflow_id
    begun = {**beginning(brandNew=5), "dag": {"vertices": 5}, "metadata": "x"}
    assert wire.call(made, "begin", begun).status == 200


def test_a_hundred_tasks_of_long_scripts_are_all_stored(wire: Wire) -> None:
    made = wire.created()
    tasks = [task(number, script="\u4e2d" * 10_240) for number in range(100)]
    body = json.dumps(batch(*tasks)).encode()
    assert len(body) > 6_000_000
    assert wire.call(made, "progress", body).status == 200
    assert WorkflowTask.objects.count() == 100
    assert WorkflowTask.objects.all()[7].script == "\u4e2d" * 10_240


def test_of_a_heavy_body_the_heavy_fields_go(wire: Wire) -> None:
    made = wire.created()
    body = beginning(configText="x" * (20 << 20), projectName="nf-core/heavy")
    assert wire.call(made, "begin", body).status == 200
    run = Workflow.objects.get()
    assert run.project_name == "nf-core/heavy"
    assert len(run.config_text) < 2 << 20


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' + b"[" * 50_000 + b"]"]
)
def test_deep_nesting_is_refused(wire: Wire, body: bytes) -> None:
    made = wire.created()
    assert wire.call(made, "progress", body).status == 400


def test_long_texts_are_kept(wire: Wire) -> None:
    long = "x" * 100_000
    row = stored(wire, name=long, process=long, tag=long, env=long, queue=long)
    assert (row.name, row.queue) == (long, long)
    made = row.workflow.workflow_id
    names = ("runName", "profile", "projectDir", "userName", "revision")
    begun = beginning(**dict.fromkeys(names, long))
    assert wire.call(made, "begin", begun).status == 200
    assert Workflow.objects.get().profile == long


def test_metrics_of_any_kind_are_kept(wire: Wire) -> None:
    series = {"mean": 1.5, "min": 1, "minLabel": "A"}
    metrics = [
        {"process": "A", "cpu": series, "mem": None, "gpuUsage": series},
        {"process": "B", "cpu": None},
    ]
    made = wire.created()
    assert wire.call(made, "complete", {**ending(), "metrics": metrics}).status == 200
    assert Workflow.objects.get().metrics == metrics
    assert wire.call(made, "complete", {**ending(), "metrics": []}).status == 200


def test_processes_are_counted_anew_each_time(wire: Wire) -> None:
    made = wire.created()
    for instant, done in ((1, 3), (2, 5)):
        process = {"name": "DEMO:FASTQC", "index": 1, "succeeded": done}
        progress = {**counters(succeeded=done), "processes": [process]}
        body = {"progress": progress, "instant": INSTANT + instant}
        assert wire.call(made, "progress", body).status == 200
    assert Workflow.objects.get().succeeded == 5
    assert WorkflowProcess.objects.get().succeeded == 5
