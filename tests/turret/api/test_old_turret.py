"""The REST calls of the old service, one by one, as its clients send them and read
the answers: method, path, status, keys and types.

`/user-info` and `/trace/create` are answered elsewhere: tests.turret.api.trace.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from rest_framework.test import APIClient

from tests.turret.factories import LaunchFactory, WorkflowFactory
from tests.turret.launching.site import Site
from tests.turret.repositories import make_repository
from turret.choices import LaunchState
from turret.models import Launch

pytestmark = pytest.mark.django_db

RUN: dict[str, Any] = {
    "workflow_id": str,
    "batch_id": str,
    "run_name": str,
    "task_counts": dict,
    "processes": list,
    "resources": dict,
    "failures": list,
    "complete": bool,
    "stalled": bool,
    "done": int,
    "total": int,
    "pct": int,
    "started_at": float,
    "updated_at": float,
}
COUNTS = dict.fromkeys(
    ("succeeded", "failed", "cached", "running", "pending", "submitted", "aborted"), int
)
RESOURCES = dict.fromkeys(
    ("loadCpus", "loadMemory", "peakCpus", "peakMemory", "peakRunning"), int
)
LAUNCH: dict[str, Any] = {
    "launch_id": str,
    "pipeline": str,
    "revision": str,
    "params": dict,
    "profile": str,
    "work_dir": str,
    "run_name": str,
    "status": str,
    "pid": int | None,
    "exit_code": int | None,
    "log_path": str,
    "submitted_at": float,
    "started_at": float | None,
    "finished_at": float | None,
}
PARAM: dict[str, Any] = {
    "key": str,
    "type": str,
    "description": str,
    "help_text": str,
    "default": object,
    "required": bool,
    "hidden": bool,
    "choices": list,
    "group": str,
    "group_title": str,
    "format": str,
}
ENTRY: dict[str, Any] = {
    "name": str,
    "is_dir": bool,
    "size": int | None,
    "mtime": str,
    "path": str,
}
CONFIG = dict.fromkeys(("content", "source", "path"), str)
PAGE = {"total": int, "next": str | None, "previous": str | None}


def told(answer: Any, status: int, shape: Mapping[str, Any]) -> Any:
    """The body, whose keys are of these types; an error has `detail` in words."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    require(body, shape)
    return body


def require(body: dict[str, Any], shape: Mapping[str, Any]) -> None:
    for name, kind in shape.items():
        kinds = get_args(kind) or (kind,)
        assert isinstance(body[name], kinds), (name, body[name])
        # To Python a bool is an int.
        assert not isinstance(body[name], bool) or {bool, object} & set(kinds), name


def refused(answer: Any, status: int) -> None:
    told(answer, status, {"code": str, "message": str, "detail": str})


@pytest.fixture
def address(site: Site, tmp_path: Path) -> str:
    return make_repository(tmp_path / "three")


@pytest.fixture
def root(site: Site) -> Path:
    return site.directory / "allowed"


@pytest.mark.parametrize("slash", ["", "/"])
def test_runs(client: APIClient, slash: str) -> None:
    run = WorkflowFactory.create(run_name="dispatcher_b7", batch_id="b7")
    page = told(client.get(f"/api/runs{slash}"), 200, {**PAGE, "runs": list})
    one = told(client.get(f"/api/runs/{run.workflow_id}"), 200, RUN)
    for shown in (one, *page["runs"]):
        require(shown, RUN)
        require(shown["task_counts"], COUNTS)
        require(shown["resources"], RESOURCES)
    assert page["total"] == 1
    refused(client.get("/api/runs/nothing"), 404)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_launch_from_its_request_to_its_end(
    operator: APIClient, site: Site, address: str, slash: str
) -> None:
    sent = {
        "pipeline": address,
        "revision": "main",
        "params": {"outdir": f"{site.directory}/allowed/out", "lines": 3},
        "profile": "test",
        "work_dir": f"{site.directory}/allowed/work",
        "run_name": "dispatcher_b7",
        "project_dir": f"{site.directory}/allowed",
    }
    (site.directory / "allowed" / "nextflow.config").touch()
    launch = told(
        operator.post(f"/api/launches{slash}", sent, format="json"), 201, LAUNCH
    )
    kept = sent.keys() & LAUNCH.keys()
    assert {name: launch[name] for name in kept} == {name: sent[name] for name in kept}
    assert (launch["status"], launch["pid"], launch["exit_code"]) == (
        "pending",
        None,
        None,
    )
    page = told(operator.get(f"/api/launches{slash}"), 200, {**PAGE, "launches": list})
    require(page["launches"][0], LAUNCH)
    path = f"/api/launches/{launch['launch_id']}"
    assert (
        told(operator.get(path), 200, LAUNCH)["submitted_at"]
        == (launch["submitted_at"])
    )
    log = operator.get(f"{path}/log?tail=50")
    assert log.status_code == 200
    assert log["Content-Type"].partition(";")[0] == "text/plain"
    cancelled = told(operator.delete(path), 200, {"launch_id": str, "status": str})
    assert cancelled["launch_id"] == launch["launch_id"]
    assert cancelled["status"] == "cancelled"
    refused(operator.delete(path), 409)
    for call in (operator.get, operator.delete):
        refused(call("/api/launches/nothing"), 404)
    refused(operator.get("/api/launches/nothing/log"), 404)


def test_a_launch_without_a_pipeline_is_422(operator: APIClient, site: Site) -> None:
    wrong: list[Any] = [
        {},
        {"pipeline": ""},
        {"pipeline": None},
        [],
        {"pipeline": "-x"},
    ]
    for sent in wrong:
        answer = operator.post("/api/launches", sent, format="json")
        told(answer, 422, {"code": str, "message": str, "detail": dict})


def test_a_launch_that_has_ended(client: APIClient) -> None:
    launch = LaunchFactory.create(state=LaunchState.LOST, pid=7, exit_code=None)
    Launch.objects.update(finished_at=launch.started_at)
    shown = told(client.get(f"/api/launches/{launch.launch_id}"), 200, LAUNCH)
    assert (shown["status"], shown["state"], shown["pid"]) == ("failed", "lost", 7)
    assert shown["finished_at"] == shown["started_at"]


@pytest.mark.parametrize("revision", ["main", "dev"])
def test_schema(operator: APIClient, address: str, revision: str) -> None:
    query = {"pipeline": address, "revision": revision}
    shape = {"params": list, "count": int, "profiles": list, "source": str | None}
    body = told(operator.get("/api/pipeline/schema", query), 200, shape)
    # `dev` has no schema.
    assert (body["source"] is None) == (revision == "dev")
    assert body["count"] == len(body["params"]) == 4
    for param in body["params"]:
        require(param, PARAM)


def test_refs(operator: APIClient, address: str) -> None:
    answer = operator.get("/api/pipeline/refs", {"pipeline": address})
    body = told(answer, 200, {"branches": list, "tags": list})
    assert {type(name) for name in body["branches"] + body["tags"]} == {str}


def test_clone(operator: APIClient, address: str, root: Path) -> None:
    path = f"/api/pipeline/clone?pipeline={address}&path={root}/mine&revision=main"
    body = told(operator.post(path), 200, {"dest": str, "repo": str})
    assert body == {"dest": f"{root}/mine", "repo": address}
    refused(operator.post(path), 409)
    refused(operator.post(f"/api/pipeline/clone?pipeline=/x&path={root}/other"), 400)


def test_files(operator: APIClient, root: Path) -> None:
    assert told(operator.get("/api/fs/roots"), 200, {})["roots"] == [str(root)]
    made = operator.post(f"/api/fs/mkdir?path={root}/runs")
    assert told(made, 200, {}) == {"path": f"{root}/runs", "created": True}
    refused(operator.post(f"/api/fs/mkdir?path={root}/runs"), 409)
    for query in ("project=runs", f"dir={root}/runs"):
        file = io.BytesIO(b"sample\n")
        file.name = "s.csv"
        sent = operator.post(f"/api/fs/upload?{query}", {"file": file}, "multipart")
        shape = {"path": str, "filename": str, "size": int, "project": str}
        told(sent, 200, shape)
    (root / "runs" / "below").mkdir()
    answer = operator.get("/api/fs/browse", {"path": f"{root}/runs"})
    body = told(answer, 200, {"path": str, "roots": list, "entries": list})
    assert body["parent"] == str(root)
    shown = [(entry["name"], entry["size"]) for entry in body["entries"]]
    assert shown == [("below", None), ("s.csv", 7), ("s_1.csv", 7)]
    for entry in body["entries"]:
        require(entry, ENTRY)
        datetime.fromisoformat(entry["mtime"])
    for path, status in (
        (f"{root}/x", 404),
        ("/etc", 403),
        (f"{root}/runs/s.csv", 400),
    ):
        refused(operator.get("/api/fs/browse", {"path": path}), status)


def test_configurations(operator: APIClient, root: Path, address: str) -> None:
    query = {"path": str(root)}
    assert told(operator.get("/api/config", query), 200, CONFIG)["source"] == ""
    sent = {"content": "process.cpus = 1\n"}
    saved = operator.post(f"/api/config?path={root}", sent, format="json")
    path = f"{root}/nextflow.config"
    assert told(saved, 200, {}) == {"saved": True, "path": path}
    shown = told(operator.get("/api/config", query), 200, CONFIG)
    assert shown == {**sent, "source": "local", "path": path}
    query = {"pipeline": address, "revision": "main"}
    for call in ("config", "config/remote"):
        shown = told(operator.get(f"/api/{call}", query), 200, CONFIG)
        assert (shown["source"], shown["path"]) == ("pipeline", "")


@pytest.mark.parametrize(
    "path",
    [
        "launches/x",
        "launches/x/log",
        "pipeline/schema",
        "fs/roots",
        "fs/browse",
        "config",
    ],
)
def test_lists_alone_take_a_slash_at_their_end(client: APIClient, path: str) -> None:
    refused(client.get(f"/api/{path}/"), 404)
