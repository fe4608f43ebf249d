"""What recorded runs of real Nextflow look like through the API once they are over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.turret.engine.recorded import Sent, last, sent
from tests.turret.services.calls import make_caller
from turret.engine.trace import (
    TASK_KEYS,
    read_begin,
    read_complete,
    read_create,
    read_update,
)
from turret.services import tracing
from turret.services.callers import Caller

UNKNOWN_EXIT = 2147483647
COUNTS = {"succeeded", "failed", "cached", "aborted"}
LEFT = {"pending", "submitted", "running", "loadCpus", "loadMemory"}
RUNS = {
    "success": "succeeded",
    "failed": "failed",
    "retry": "succeeded",
    "ignore": "succeeded",
    "finish": "failed",
    "resume": "succeeded",
    "cancelled-int": "cancelled",
    "notask": "succeeded",
    "24.10.0/success": "succeeded",
    "22.10.6/cancelled-term": "cancelled",
}


def told(calls: tuple[Sent, ...], caller: Caller) -> str:
    """The workflow's id after all calls."""
    workflow_id = ""
    for verb, body in calls:
        if verb == "create":
            workflow_id = tracing.create(read_create(body), caller, None)
        elif verb == "begin":
            tracing.begin(workflow_id, read_begin(body), caller)
        elif verb == "complete":
            tracing.complete(workflow_id, read_complete(body), caller)
        else:
            tracing.update(workflow_id, read_update(body), caller)
    return workflow_id


@pytest.mark.parametrize("name", RUNS)
def test_a_run_is_shown_as_nextflow_counted_it(client: APIClient, name: str) -> None:
    workflow_id = told(sent(name), make_caller())
    run = client.get(f"/api/runs/{workflow_id}").json()
    progress = last(name, "complete")["progress"]
    assert run["status"] == RUNS[name]
    assert (run["complete"], run["pct"]) == (True, 100)
    assert run["done"] == progress["succeeded"] + progress["cached"]
    assert {key: run["task_counts"][key] for key in COUNTS} == {
        key: progress[key] for key in COUNTS
    }
    expected = [
        {**process, **dict.fromkeys(LEFT, 0)} for process in progress["processes"]
    ]
    assert run["processes"] == sorted(expected, key=lambda process: process["index"])
    assert run["resources"]["peakMemory"] == progress["peakMemory"]
    failed = [record for record in records(name).values() if is_failed(record)]
    assert [failure["taskId"] for failure in run["failures"]] == sorted(
        record["taskId"] for record in failed
    )


@pytest.mark.parametrize("name", RUNS)
def test_each_task_is_told_as_nextflow_did(client: APIClient, name: str) -> None:
    workflow_id = told(sent(name), make_caller())
    page = client.get(f"/api/workflow/{workflow_id}/tasks").json()
    shown = {entry["task"]["taskId"]: entry["task"] for entry in page["tasks"]}
    said = records(name)
    assert shown.keys() == said.keys()
    for number, record in said.items():
        for key in TASK_KEYS.keys() & record.keys():
            assert shown[number][key] == as_told(key, record[key]), key


def records(name: str) -> dict[int, dict[str, Any]]:
    """The last record of each task."""
    bodies = (body for verb, body in sent(name) if verb == "progress")
    return {task["taskId"]: task for body in bodies for task in body["tasks"]}


def is_failed(record: dict[str, Any]) -> bool:
    return bool(record["status"] == "FAILED")


def as_told(key: str, value: Any) -> Any:
    """What Nextflow sends, in the words of Seqera Platform."""
    if key == "exit" and value == UNKNOWN_EXIT:
        return None
    if key in ("submit", "start", "complete") and value:
        moment = datetime.fromisoformat(value).astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if key in ("nativeId", "scratch") and value is not None:
        return str(value).lower() if isinstance(value, bool) else str(value)
    return None if value == "" else value
