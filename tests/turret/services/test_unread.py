"""Tasks that PostgreSQL reads itself come out as those that we have read."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.forms.models import model_to_dict

from tests.turret.engine import recorded
from tests.turret.factories import WorkflowFactory
from turret.engine import body, trace
from turret.engine.unread import Unread, split
from turret.models import Workflow
from turret.services import tracing
from turret.services.unread import store_unread
from turret.words import TaskStatus

from .calls import make_caller

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 8, 22, tzinfo=dt.UTC)
PROGRESS = {"succeeded": 1, "processes": []}


def raw(tasks: list[Any], **rest: Any) -> bytes:
    """As Nextflow writes it: no blanks, ASCII, the tasks first."""
    sent = {"tasks": tasks, "progress": PROGRESS, "instant": 5, **rest}
    return json.dumps(sent, separators=(",", ":")).encode()


def kept(workflow: Workflow) -> list[dict[str, Any]]:
    found = [model_to_dict(task) for task in workflow.tasks.all()]
    return [{**task, "id": None, "workflow": None} for task in found]


def make_workflow(**fields: Any) -> Workflow:
    return WorkflowFactory.create(
        **{"token_digest": "a" * 64, "progress_instant": None, **fields}
    )


def read(sent: bytes) -> list[dict[str, Any]]:
    """What is kept of the body's tasks when they are read here."""
    workflow = make_workflow()
    update = trace.read_update(body.parse(sent))
    tracing.update(workflow.workflow_id, update, make_caller())
    return kept(workflow)


def unread(sent: bytes) -> list[dict[str, Any]] | None:
    """The same of tasks that PostgreSQL reads; None where it refuses."""
    workflow = make_workflow()
    apart = split(sent)
    assert apart
    if not store_unread(workflow.workflow_id, apart, make_caller()):
        return None
    return kept(workflow)


def recorded_batches() -> list[list[Any]]:
    bodies = [call.body for call in recorded.everything() if call.verb == "progress"]
    return [found["tasks"] for found in bodies if found.get("tasks")]


def test_what_nextflow_sends_is_kept_as_if_it_were_read() -> None:
    batches = recorded_batches()
    assert len(batches) > 100
    for sent in map(raw, batches):
        if b'\\ud83e"' in sent:  # half a character: Nextflow has cut the string
            assert unread(sent) is None
        else:
            assert unread(sent) == read(sent)


def task(**fields: Any) -> dict[str, Any]:
    return {"taskId": 1, "status": "COMPLETED", "name": "ALIGN (s1)", **fields}


def nested(depth: int) -> Any:
    return json.loads("[" * depth + "1" + "]" * depth)


@pytest.mark.parametrize(
    "fields",
    [
        {"exit": 2147483647},
        {"exit": "0"},
        {"exit": None},
        {"nativeId": "1234.pbs"},
        {"nativeId": 1234},
        {"scratch": True},
        {"scratch": "/tmp"},
        {"module": ["a/1", "b/2"]},
        {"module": []},
        {"module": None},
        {"submit": "2026-08-22T10:00Z", "start": "2026-08-22T10:00:01.123456+05:30"},
        {"submit": "", "start": "garbage", "complete": None},
        {"submit": "now", "start": "epoch"},
        {"submit": "2026-08-22T10:00:05", "start": "2026-08-22"},
        {"submit": "1970-01-01T00:00Z", "start": "9999-12-31T23:59:59-14:00"},
        {"pcpu": 6400.0, "pmem": 1e-7, "duration": -5, "cpus": "4"},
        {"pcpu": 12},
        {"pcpu": "NaN", "pmem": "-Infinity"},
        {"pcpu": "inf", "pmem": "1e3", "script": "NaN"},
        {"script": "Größe \U0001f9ec\n\t\"'\\ end"},
        {"errorAction": "RETRY"},
        {"errorAction": None, "machineType": None},
        {"machineType": "n2", "gpuMetrics": {"name": None, "pct": [1, None]}},
        {"accelerator": 2, "resourceAllocation": {"cpuShares": 4}},
        {"gpuMetrics": nested(64), "machineType": "n2"},
        {"gpuMetrics": nested(65), "machineType": "n2"},
        {"gpuMetrics": nested(900)},
        {"name": 5, "env": "A=1\nB=2"},
    ],
)
def test_values_of_every_kind_are_kept_alike(fields: dict[str, Any]) -> None:
    sent = raw([task(**fields), task(**fields) | {"taskId": 2}])
    assert unread(sent) == read(sent)


@pytest.mark.parametrize(
    "tasks",
    [
        [task(cpus="four")],
        [task(duration=1.5)],
        [task(rss=2**63)],
        [task(status="STORED")],
        [task(status=None)],
        [task(errorAction="GIVE_UP")],
        [task(), task()],
        [task(taskId=None)],
        [task(), 5],
        [task(script="a\0b")],
        [task(script="\ud83d")],
        [task(submit="2026-13-45T10:00Z")],
        [task(exit=True)],
        [task(), task(taskId=2, pcpu=float("nan"))],
        [task(), {"name": "without an id"}],
        [task(), task(taskId=2, gpuMetrics={"taskId": 3})],
    ],
)
def test_what_postgresql_would_read_otherwise_is_read_here(tasks: list[Any]) -> None:
    sent = raw(tasks)
    assert unread(sent) is None
    workflow = make_workflow()
    apart = split(sent)
    assert apart
    tracing.update(workflow.workflow_id, apart, make_caller())
    assert kept(workflow) == read(sent)
    workflow.refresh_from_db()
    assert workflow.succeeded == 1


def test_what_postgresql_finds_too_deep_is_no_trouble_of_ours() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    sent = raw([task(), task(taskId=2, gpuMetrics=0)])
    apart = split(sent.replace(b'"gpuMetrics":0', b'"gpuMetrics":' + deep))
    assert apart
    workflow = make_workflow()
    with pytest.raises(body.BadBody):
        tracing.update(workflow.workflow_id, apart, make_caller())
    assert not workflow.tasks.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "submitted"},
        {"status": "unknown"},
        {"status": "succeeded", "ended_at": NOW},
        {"stalled_at": NOW},
        {"token_digest": "b" * 64},
        {"progress_instant": 6},
    ],
)
def test_what_is_special_about_a_workflow_is_seen_to(fields: dict[str, Any]) -> None:
    apart = split(raw([task()]))
    assert apart
    workflow = make_workflow(**fields)
    assert not store_unread(workflow.workflow_id, apart, make_caller())
    assert not workflow.tasks.exists()


def test_counters_processes_and_the_last_sign_of_life_are_kept() -> None:
    workflow = make_workflow(last_seen_at=NOW)
    counts = {"succeeded": 3, "running": 2, "loadCpus": 8}
    for instant in (5, 7):
        counts["succeeded"] += 1
        progress = {**counts, "processes": [{"name": "ALIGN", "index": 4, **counts}]}
        apart = split(raw([task()], progress=progress, instant=instant))
        assert apart
        assert store_unread(workflow.workflow_id, apart, make_caller())
    workflow.refresh_from_db()
    assert (workflow.succeeded, workflow.running, workflow.load_cpus) == (5, 2, 8)
    assert workflow.progress_instant == 7
    assert workflow.last_seen_at > NOW
    (process,) = workflow.processes.all()
    assert (process.name, process.index, process.succeeded) == ("ALIGN", 4, 5)


@pytest.mark.parametrize(
    "sent",
    [
        raw([]),
        raw([5]),
        raw([task(invented=1)]),
        raw([task()])[:-1],
        raw([task()], tasks2=1).replace(b"tasks2", b"tasks"),
        b'{"progress":{},"tasks":[{"taskId":1}]}',
        b'{"tasks":{},"progress":{}}',
        b'{"tasks":[{"taskId":1}],"instant":1}',
        raw([task(script="\xff")]).replace(b"\\u00ff", b"\xff"),
        b"",
    ],
)
def test_an_unusual_body_is_read_as_a_whole(sent: bytes) -> None:
    assert split(sent) is None


def test_a_rest_that_nextflow_broke_is_repaired() -> None:
    sent = raw([task()]).replace(b'"progress":{', b'"progress":{"a":,')
    found = split(sent)
    assert found
    assert found.rest.progress == trace.read_update(body.parse(sent)).progress


def test_a_body_is_not_cut_within_a_string() -> None:
    script = '],"progress":{"succeeded":9},"tasks":['
    found = split(raw([task(script=script)]))
    assert found
    assert json.loads(found.tasks)[0]["script"] == script
    assert found.rest.progress
    assert found.rest.progress.counters.succeeded == 1


def test_a_late_task_only_fills_in_what_is_not_known() -> None:
    workflow = make_workflow()
    for sent in (
        raw([task(), task(taskId=2, status="NEW")], instant=9),
        raw([task(status="RUNNING", hash="ab/12"), task(taskId=2, status="RUNNING")]),
    ):
        apart = split(sent)
        assert isinstance(apart, Unread)
        tracing.update(workflow.workflow_id, apart, make_caller())
    first, second = workflow.tasks.all()
    assert (first.status, first.hash) == (TaskStatus.COMPLETED, "ab/12")
    assert second.status == TaskStatus.RUNNING
