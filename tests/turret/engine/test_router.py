from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from turret.engine.default import default_registry
from turret.engine.registry import WorkflowRegistry
from turret.engine.router import TowerRouter, trace_create_response, user_info_response

TRANSCRIPTS = Path(__file__).parents[2] / "data" / "transcripts"
CREATE = {"sessionId": "s", "runName": "dispatcher_b1", "instant": 1}


def calls_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def is_whole(calls: list[dict[str, Any]]) -> bool:
    """All was answered well, and the client came to its end."""
    answers = [(call["response"] or {}).get("status") for call in calls]
    return (
        all(isinstance(one, int) and one < 300 for one in answers)
        and len([one for one in calls if one["path"].endswith("/create")]) == 1
        and calls[-1]["path"].endswith("/complete")
    )


RECORDED = {
    str(file.relative_to(TRANSCRIPTS).with_suffix("")): calls
    for file in sorted(TRANSCRIPTS.rglob("*.jsonl"))
    if is_whole(calls := calls_of(file))
}


@pytest.fixture
def router() -> TowerRouter:
    return TowerRouter(WorkflowRegistry())


def created(router: TowerRouter, **fields: object) -> str:
    answer = router.handle_post("/trace/create", {**CREATE, **fields})
    assert answer is not None
    assert answer[0] == 200
    return str(answer[1]["workflowId"])


def state_of(router: TowerRouter, workflow_id: str) -> dict[str, Any]:
    state = router.registry.get_by_id(workflow_id)
    assert state is not None
    return state


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_runs_end_as_nextflow_said(name: str, router: TowerRouter) -> None:
    workflow_id, failures = "", set()
    for call in RECORDED[name]:
        raw = call["body"].get("__unparsed__") or json.dumps(call["body"])
        if call["method"] == "POST":
            answer = router.handle_post(call["path"], raw)
        else:
            verb = call["path"].rpartition("/")[2]
            answer = router.handle_put(f"/trace/{workflow_id}/{verb}", raw.encode())
            tasks = call["body"].get("tasks") or []
            failures |= {one["taskId"] for one in tasks if one["status"] == "FAILED"}
        assert answer is not None
        assert answer[0] == 200
        workflow_id = answer[1]["workflowId"]
    state, last = state_of(router, workflow_id), RECORDED[name][-1]["body"]
    for key in ("succeeded", "failed", "cached", "aborted"):
        assert state["task_counts"][key] == last["progress"][key]
    assert (state["complete"], state["pct"]) == (True, 100)
    assert state["exit_status"] == last["workflow"]["exitStatus"]
    assert {one["taskId"] for one in state["failures"]} == failures
    if not last["workflow"].get("failOnIgnore"):
        assert state["success"] is last["workflow"]["success"]


def test_there_are_recorded_runs() -> None:
    assert {"success", "failed", "retry", "24.10.0/success"} <= RECORDED.keys()


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_paths_may_begin_with_api_and_have_a_query(
    prefix: str, router: TowerRouter
) -> None:
    answer = router.handle_post(f"{prefix}/trace/create?workspaceId=7", CREATE)
    assert answer is not None
    workflow_id = answer[1]["workflowId"]
    path = f"{prefix}/trace/{workflow_id}/heartbeat?workspaceId=7"
    assert router.handle_put(path, {"progress": {"running": 2}}) is not None
    assert state_of(router, workflow_id)["task_counts"]["running"] == 2
    assert router.handle_get(f"{prefix}/user-info") == (200, user_info_response())


@pytest.mark.parametrize(
    "path",
    ["/", "/trace/create/", "/trace", "/trace/x", "/trace/x/foo", "/runs", "//x/y", ""],
)
def test_other_paths_are_not_its_own(path: str, router: TowerRouter) -> None:
    assert router.handle_get(path) is None
    assert router.handle_post(path, b"{}") is None
    assert router.handle_put(path, b"{}") is None
    assert not router.owns(path)


@pytest.mark.parametrize("workflow_id", ["null", "%00", "a b", "x" * 256])
def test_a_run_that_was_never_created_is_refused(
    workflow_id: str, router: TowerRouter
) -> None:
    answer = router.handle_put(f"/trace/{workflow_id}/begin", b"{}")
    assert answer is not None
    assert (answer[0], answer[1]["message"]) == (404, "This run was never created.")
    assert router.registry.get_all() == []


@pytest.mark.parametrize(
    "body", [b"", None, "", b"[]", b"{", "1", b"\xff", b"[" * 9999]
)
def test_what_is_no_body_is_refused_and_changes_nothing(
    body: bytes | str | None, router: TowerRouter
) -> None:
    workflow_id = created(router)
    router.handle_put(f"/trace/{workflow_id}/progress", {"progress": {"succeeded": 3}})
    for answer in (
        router.handle_put(f"/trace/{workflow_id}/progress", body),
        router.handle_post("/trace/create", body),
    ):
        assert answer is not None
        assert answer[0] == 400
        assert answer[1]["message"]
    assert state_of(router, workflow_id)["task_counts"]["succeeded"] == 3


def test_a_large_body_is_taken_like_any_other(router: TowerRouter) -> None:
    """The old service counted nothing of a body of more than 100 kB."""
    workflow_id = created(router)
    tasks = [
        {"taskId": n, "status": "COMPLETED", "script": "x" * 10_000} for n in range(100)
    ]
    body = {"tasks": tasks, "progress": {"succeeded": 100}, "instant": 2}
    answer = router.handle_put(f"/trace/{workflow_id}/progress", json.dumps(body))
    assert answer is not None
    assert answer[0] == 200
    assert state_of(router, workflow_id)["task_counts"]["succeeded"] == 100


def test_what_nextflow_breaks_is_mended(router: TowerRouter) -> None:
    workflow_id = created(router)
    body = (
        b'{"workflow":{"success":true,"params":{"x":,"y":1}},"progress":{"cached":2}}'
    )
    answer = router.handle_put(f"/trace/{workflow_id}/complete", body)
    assert answer is not None
    assert answer[0] == 200
    state = state_of(router, workflow_id)
    assert (state["success"], state["done"]) == (True, 2)


@pytest.mark.parametrize("verb", ["begin", "progress", "heartbeat", "complete"])
@pytest.mark.parametrize("odd", [{}, [], 5, "x", None, {"a": [{}]}, [5, None, {}]])
def test_parts_of_other_types_are_skipped(
    verb: str, odd: object, router: TowerRouter
) -> None:
    workflow_id = created(router)
    keys = ("workflow", "progress", "tasks", "instant", "processNames", "metrics")
    body = json.dumps(dict.fromkeys(keys, odd))
    answer = router.handle_put(f"/trace/{workflow_id}/{verb}", body)
    assert answer is not None
    assert answer[0] == 200
    assert state_of(router, workflow_id)["complete"] is (verb == "complete")


def test_a_batch_is_the_run_name_without_its_prefix(router: TowerRouter) -> None:
    created(router)
    created(router, runName="mad_curie", instant=2)
    batches = {one["batch_id"] for one in router.registry.get_all()}
    assert batches == {"b1", "mad_curie"}


def test_batches_may_be_named_otherwise() -> None:
    router = TowerRouter(WorkflowRegistry(), lambda name: name.removeprefix("lab-"))
    workflow_id = created(router, runName="lab-42")
    state = router.registry.get_by_batch("42")
    assert state is not None
    assert state["workflow_id"] == workflow_id


def test_a_run_that_it_was_not_there_to_create_is_taken_up(router: TowerRouter) -> None:
    router.handle_put("/trace/lost/progress", {"progress": {"running": 1}})
    router.handle_put("/trace/lost/begin", {"workflow": {"runName": "dispatcher_b"}})
    state = router.registry.get_by_batch("b")
    assert state is not None
    assert state["task_counts"]["running"] == 1


def test_without_a_registry_it_fills_the_common_one() -> None:
    router = TowerRouter()
    assert router.registry is default_registry
    workflow_id = created(router, runName="common")
    assert default_registry.is_registered(workflow_id)
    default_registry.evict_old(max_age_seconds=-60)


def test_an_empty_registry_of_one_s_own_is_used() -> None:
    registry = WorkflowRegistry()
    assert TowerRouter(registry).registry is registry


def test_its_answers_have_the_keys_that_clients_read() -> None:
    assert user_info_response()["user"].keys() == {
        "id",
        "userName",
        "email",
        "firstName",
        "lastName",
        "organization",
        "avatar",
        "trusted",
    }
    assert trace_create_response("x1") == {
        "workflowId": "x1",
        "watchUrl": None,
        "message": None,
    }
    assert trace_create_response("x1", "http://h/x1")["watchUrl"] == "http://h/x1"
