from __future__ import annotations

import threading
from typing import Any

import pytest

from turret.engine import default
from turret.engine.records import Create
from turret.engine.registry import WorkflowRegistry

PROGRESS = {
    "pending": 1,
    "submitted": 2,
    "running": 3,
    "succeeded": 4,
    "failed": 2,
    "cached": 1,
    "ignored": 1,
    "retries": 1,
    "aborted": 0,
    "loadCpus": 6,
    "loadMemory": 1024,
    "peakRunning": 4,
    "peakCpus": 8,
    "peakMemory": 2048,
    "processes": [{"index": 1, "name": "A:ALIGN", "running": 3, "succeeded": 4}],
}
KEYS = {
    "workflow_id",
    "batch_id",
    "run_name",
    "task_counts",
    "processes",
    "resources",
    "failures",
    "complete",
    "stalled",
    "done",
    "total",
    "pct",
    "started_at",
    "updated_at",
}


class Clock:
    """Moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> WorkflowRegistry:
    registry = WorkflowRegistry(clock)
    registry.register("w1", "b1", "dispatcher_b1")
    return registry


def state_of(registry: WorkflowRegistry, workflow_id: str = "w1") -> dict[str, Any]:
    state = registry.get_by_id(workflow_id)
    assert state is not None
    return state


def failed(task_id: int, **fields: object) -> dict[str, Any]:
    return {"taskId": task_id, "status": "FAILED", "exit": 1, **fields}


def call_of(run_name: str, instant: int | None = 1, wanted: str = "") -> Create:
    return Create("session", run_name, "demo", "", wanted, instant)


def test_a_state_has_the_keys_of_the_old_service(registry: WorkflowRegistry) -> None:
    registry.update_progress("w1", PROGRESS)
    state = state_of(registry)
    assert state.keys() > KEYS
    assert state["task_counts"] == {
        "succeeded": 4,
        "failed": 2,
        "cached": 1,
        "running": 3,
        "pending": 1,
        "submitted": 2,
        "aborted": 0,
    }
    assert state["resources"] == {
        "loadCpus": 6,
        "loadMemory": 1024,
        "peakCpus": 8,
        "peakMemory": 2048,
        "peakRunning": 4,
    }
    (process,) = state["processes"]
    assert (process["name"], process["running"], process["loadCpus"]) == (
        "A:ALIGN",
        3,
        0,
    )
    assert (state["done"], state["total"], state["pct"]) == (5, 12, 50)
    assert (state["complete"], state["success"]) == (False, None)
    assert state["status"] == "running"


def test_states_are_the_caller_s_own(registry: WorkflowRegistry) -> None:
    registry.update_progress("w1", PROGRESS, [failed(1)])
    state = state_of(registry)
    state["failures"][0]["exit"] = 99
    state["processes"].clear()
    assert state_of(registry)["failures"][0]["exit"] == 1
    assert state_of(registry)["processes"]


@pytest.mark.parametrize("nothing", [None, {}, [], {"processes": []}, "odd"])
def test_a_body_without_counters_keeps_them(
    nothing: Any, registry: WorkflowRegistry
) -> None:
    registry.update_progress("w1", PROGRESS)
    registry.update_progress("w1", nothing, None)
    assert state_of(registry)["task_counts"]["succeeded"] == 4


def test_counters_are_replaced_but_not_by_older_ones(
    registry: WorkflowRegistry,
) -> None:
    registry.update_progress("w1", {"succeeded": 5}, instant=200)
    registry.update_progress("w1", {"succeeded": 3}, instant=100)
    assert state_of(registry)["task_counts"]["succeeded"] == 5
    registry.update_progress("w1", {"succeeded": 6}, instant=200)
    assert state_of(registry)["task_counts"]["succeeded"] == 6


def test_the_last_fifty_failures_are_kept_each_once(
    registry: WorkflowRegistry,
) -> None:
    task = failed(1, process="A:ALIGN", name="A:ALIGN (s1)", tag="s1", hash="ab/cdef12")
    registry.update_progress("w1", None, [task, {"taskId": 2, "status": "COMPLETED"}])
    registry.update_progress("w1", None, [task])
    assert state_of(registry)["failures"] == [
        {
            "taskId": 1,
            "process": "A:ALIGN",
            "name": "A:ALIGN (s1)",
            "tag": "s1",
            "exit": 1,
            "hash": "ab/cdef12",
        }
    ]
    registry.update_progress("w1", None, [failed(n) for n in range(2, 62)])
    kept = [one["taskId"] for one in state_of(registry)["failures"]]
    assert kept == list(range(12, 62))


@pytest.mark.parametrize(
    ("workflow", "status", "success"),
    [
        ({"success": True, "exitStatus": 0}, "succeeded", True),
        ({"success": False, "exitStatus": 1}, "failed", False),
        ({"success": True, "failOnIgnore": True}, "failed", False),
        ({"success": False, "errorReport": "SIGINT"}, "cancelled", False),
        (None, "unknown", None),
    ],
)
def test_how_a_run_ended_stands_beside_complete(
    workflow: dict[str, Any] | None,
    status: str,
    success: bool | None,
    registry: WorkflowRegistry,
) -> None:
    registry.mark_complete("w1", PROGRESS, workflow)
    state = state_of(registry)
    assert (state["complete"], state["pct"]) == (True, 100)
    assert (state["status"], state["success"]) == (status, success)


def test_nothing_runs_when_a_run_is_over(registry: WorkflowRegistry) -> None:
    registry.mark_complete("w1", PROGRESS)
    state = state_of(registry)
    assert state["task_counts"]["running"] == state["task_counts"]["pending"] == 0
    assert state["processes"][0]["running"] == 0
    assert state["resources"]["peakCpus"] == 8


def test_what_comes_late_does_not_bring_a_run_back(registry: WorkflowRegistry) -> None:
    registry.mark_complete("w1", None, {"success": True})
    registry.update_progress("w1", PROGRESS, [failed(3)])
    registry.mark_complete("w1")
    state = state_of(registry)
    assert (state["status"], state["success"]) == ("succeeded", True)
    assert len(state["failures"]) == 1


def test_silence_stalls_a_run_until_it_is_heard_again(
    registry: WorkflowRegistry, clock: Clock
) -> None:
    registry.update_progress("w1", PROGRESS)
    clock.now += 301
    assert state_of(registry)["stalled"]
    registry.update_progress("w1", None)
    assert not state_of(registry)["stalled"]
    registry.mark_complete("w1")
    clock.now += 10_000
    assert not state_of(registry)["stalled"]


def test_registering_again_changes_nothing(registry: WorkflowRegistry) -> None:
    registry.update_progress("w1", PROGRESS)
    registry.register("w1", "other", "other")
    state = state_of(registry)
    assert (state["batch_id"], state["run_name"]) == ("b1", "dispatcher_b1")
    assert state["task_counts"]["succeeded"] == 4


def test_a_run_that_nobody_registered_is_taken_up(registry: WorkflowRegistry) -> None:
    registry.update_progress("w2", PROGRESS)
    registry.mark_complete("w3", None, {"success": True, "runName": "late"})
    assert state_of(registry, "w2")["batch_id"] == "w2"
    registry.begin("w2", "b2", "dispatcher_b2")
    assert state_of(registry, "w2")["batch_id"] == "b2"
    assert state_of(registry, "w3")["success"] is True
    assert [one["workflow_id"] for one in registry.get_all()] == ["w3", "w2", "w1"]


def test_a_second_run_of_a_name_is_another_one() -> None:
    registry = WorkflowRegistry()
    first = registry.create(call_of("dispatcher_b", 1), "b")
    registry.update_progress(first, PROGRESS)
    second = registry.create(call_of("dispatcher_b", 2), "b")
    assert first != second
    assert state_of(registry, first)["task_counts"]["succeeded"] == 4
    newest = registry.get_by_batch("b")
    assert newest is not None
    assert newest["workflow_id"] == second == registry.workflow_id_for_batch("b")


def test_a_create_that_is_sent_twice_is_one_run() -> None:
    registry = WorkflowRegistry()
    ids = {registry.create(call_of("run", 1), "run") for _ in range(3)}
    assert len(ids) == len(registry.get_all()) == 1


def test_a_client_s_own_id_is_taken_unless_another_has_it() -> None:
    registry = WorkflowRegistry()
    assert registry.create(call_of("a", 1, wanted="MyOwnId1"), "a") == "MyOwnId1"
    assert registry.create(call_of("b", 2, wanted="MyOwnId1"), "b") != "MyOwnId1"


def test_a_run_may_be_registered_before_it_is_started() -> None:
    registry = WorkflowRegistry()
    expected = registry.workflow_id_for_batch("b7")
    assert len(expected) <= 16
    registry.register("mine", "b8", "dispatcher_b8")
    assert registry.workflow_id_for_batch("b8") == "mine"
    assert registry.create(call_of("dispatcher_b7", 1), "b7") == expected
    assert registry.create(call_of("dispatcher_b8", 2), "b8") == "mine"
    assert registry.create(call_of("dispatcher_b8", 3), "b8") != "mine"


def test_old_runs_are_forgotten(registry: WorkflowRegistry, clock: Clock) -> None:
    made = registry.create(call_of("old"), "old")
    clock.now += 3000
    registry.register("young", "y", "y")
    clock.now += 601
    assert registry.evict_old() == 2
    assert [one["workflow_id"] for one in registry.get_all()] == ["young"]
    assert not registry.is_registered(made)
    assert registry.get_by_batch("old") is None
    assert registry.evict_old(max_age_seconds=600) == 1
    # Its create call is forgotten with it.
    assert registry.is_registered(registry.create(call_of("old"), "old"))


def test_threads_lose_nothing() -> None:
    registry = WorkflowRegistry()

    def trace(run: int) -> None:
        workflow_id = registry.create(call_of(f"run{run}", run), f"run{run}")
        for task in range(40):
            registry.update_progress(workflow_id, {"failed": task + 1}, [failed(task)])
            registry.get_all()
        registry.mark_complete(workflow_id, None, {"success": False})

    threads = [threading.Thread(target=trace, args=(run,)) for run in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = registry.get_all()
    assert len(states) == 8
    assert all(len(one["failures"]) == 40 for one in states)
    assert {one["status"] for one in states} == {"failed"}


def test_the_functions_of_the_module_share_one_registry() -> None:
    registry = default.default_registry
    default.register_workflow("shared", "shared-batch", "shared-run")
    default.update_progress("shared", {"succeeded": 1}, [])
    default.mark_complete("shared")
    assert default.is_registered("shared")
    assert default.get_progress("shared-batch") == registry.get_by_id("shared")
    assert default.get_state("shared-batch") in default.get_all_states()
    assert default.workflow_id_for_batch("shared-batch") == "shared"
    assert default.evict_old(max_age_seconds=-60) >= 1
    assert not default.is_registered("shared")
