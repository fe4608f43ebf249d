"""The reading half of Seqera Platform's API, as `tw` 0.38 calls it.

tw itself can't be run here: what it unboxes and dereferences is known from its source.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from tests.clients import client_with, make_user
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from turret.choices import Status, TaskStatus
from turret.models import Workflow

API = "/api/workflow"
AT = datetime(2026, 8, 22, 10, 0, 0, 123456, tzinfo=UTC)
# What tw reads into an `int` or a `long`.
UNBOXED = {
    *("pending", "submitted", "running", "succeeded", "failed", "cached", "aborted"),
    *("retries", "ignored", "cpus", "cpuTime", "cpuLoad", "memoryRss", "memoryReq"),
    *("readBytes", "writeBytes", "volCtxSwitch", "invCtxSwitch", "loadTasks"),
    *("loadCpus", "loadMemory", "peakCpus", "peakTasks", "peakMemory"),
}


def get(client: APIClient, path: str, **query: str | float) -> Any:
    # tw sends no more of it than this.
    answer = client.get(f"{API}{path}", query, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/json"
    return answer.json()


@pytest.fixture
def run(db: None) -> Workflow:
    owner = make_user()
    owner.username = "ann"
    owner.save()
    return WorkflowFactory.create(
        workflow_id="run1",
        owner=owner,
        run_name="mad_curie",
        session_id="s-1",
        created_at=AT,
        started_at=AT,
        labels=["validation"],
        workspace_id=11,
        command_line="nextflow run demo --token hunter2",
        params={"input": "s.csv", "password": "hunter2"},
        config_text="tower.accessToken = 'hunter2'\nprocess.cpus = 2",
        config_files=["/data/nextflow.config"],
        manifest={"name": "nf-core/demo"},
        metrics=[{"process": "ALIGN", "cpu": None}],
    )


def test_runs_are_listed_newest_first(
    client: APIClient, run: Workflow, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    WorkflowFactory.create_batch(3, run_name="")
    with django_assert_num_queries(3):  # the token, the count, the page
        listed = get(client, "", max=3, offset=0, workspaceId=11, attributes="labels")
    assert (listed["totalSize"], listed["hasMore"]) == (4, True)
    assert len(listed["workflows"]) == 3
    for entry in listed["workflows"]:
        assert entry["workflow"]["id"]
        assert entry["workflow"]["runName"]
        assert entry["labels"] == []
    rest = get(client, "", max=3, offset=3)
    assert rest["hasMore"] is False
    (last,) = rest["workflows"]
    expected = {
        "id": "run1",
        "runName": "mad_curie",
        "status": "RUNNING",
        "userName": "ann",
        "projectName": "nf-core/demo",
        "submit": "2026-08-22T10:00:00Z",
        "complete": None,
        "sessionId": "s-1",
    }
    assert {key: last["workflow"][key] for key in expected} == expected
    assert [label["name"] for label in last["labels"]] == ["validation"]


@pytest.mark.parametrize(
    "path",
    ["workflow", "workflow/run1", "workflow/run1/progress", "workflow/run1/tasks"],
)
@pytest.mark.usefixtures("run")
def test_the_address_that_nextflow_has_is_good_for_tw_too(
    client: APIClient, path: str
) -> None:
    answer = client.get(f"/{path}")
    assert answer.status_code == 200
    assert answer.json() == client.get(f"/api/{path}").json()


@pytest.mark.parametrize(
    ("search", "count"),
    [("curie", 1), ("status:RUNNING username:ann", 1), ("status:failed", 0), ("", 2)],
)
def test_runs_are_searched(
    client: APIClient, run: Workflow, search: str, count: int
) -> None:
    WorkflowFactory.create(run_name="other")
    assert get(client, "", search=search)["totalSize"] == count


def test_a_search_that_makes_no_sense_is_refused(client: APIClient) -> None:
    answer = client.get(f"{API}?search=status:ended")
    assert answer.status_code == 400
    assert "ended" in answer.json()["message"]


@pytest.mark.parametrize("status", Status.values)
def test_states_are_those_that_tw_knows(client: APIClient, status: str) -> None:
    run = WorkflowFactory.create(status=status)
    shown = get(client, f"/{run.workflow_id}")["workflow"]["status"]
    assert shown in {
        "SUBMITTED",
        "RUNNING",
        "SUCCEEDED",
        "FAILED",
        "CANCELLED",
        "UNKNOWN",
    }


def test_one_run_is_told_whole(
    client: APIClient, run: Workflow, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ProcessFactory.create_batch(3, workflow=run)
    TaskFactory.create_batch(3, workflow=run)
    # The token, the run, its processes and what its tasks used.
    with django_assert_num_queries(4):
        told = get(client, "/run1")
    workflow = told["workflow"]
    assert workflow["params"]["input"] == "s.csv"
    assert workflow["configFiles"] == ["/data/nextflow.config"]
    assert "process.cpus = 2" in workflow["configText"]
    assert workflow["commandLine"].startswith("nextflow run demo")
    assert workflow["manifest"] == {"name": "nf-core/demo"}
    assert workflow["nextflow"]["version"] == "25.04.4"
    assert workflow["launchId"] is None
    assert (told["workspaceId"], told["jobInfo"]) == (11, None)
    assert told["progress"]["totalProcesses"] == 3
    assert "hunter2" not in str(told)


def test_secrets_are_not_for_all(viewer: APIClient, run: Workflow) -> None:
    TaskFactory.create(workflow=run, task_id=1, env="A=1\n")
    workflow = get(viewer, "/run1")["workflow"]
    hidden = ("params", "configText", "configFiles", "commandLine")
    assert [workflow[key] for key in hidden] == [None] * 4
    assert get(viewer, "")["workflows"][0]["workflow"]["commandLine"] is None
    assert get(viewer, "/run1/task/1")["task"]["env"] is None


def test_progress_adds_up_what_tasks_used(client: APIClient, run: Workflow) -> None:
    Workflow.objects.filter(pk=run.pk).update(succeeded=2, running=1, peak_running=3)
    ProcessFactory.create(workflow=run, name="DEMO:ALIGN", index=0, succeeded=2)
    ProcessFactory.create(workflow=run, name="DEMO:QC", index=1, running=1)
    for _ in range(2):
        TaskFactory.create(workflow=run, process="DEMO:ALIGN", read_bytes=100)
    TaskFactory.create(workflow=run, status=TaskStatus.CACHED, process="DEMO:ALIGN")
    TaskFactory.create(workflow=run, status=TaskStatus.RUNNING, process="DEMO:QC")
    progress = get(client, "/run1/progress")["progress"]
    whole = progress["workflowProgress"]
    align, qc = progress["processesProgress"]
    assert (align["process"], qc["process"]) == ("DEMO:ALIGN", "DEMO:QC")
    for shape in (whole, align, qc):
        assert shape.keys() >= UNBOXED
        assert all(type(shape[key]) is int for key in UNBOXED)
    used = {
        "succeeded": 2,
        "cpus": 4,
        "cpuTime": 2 * 2 * 60_000,
        "cpuLoad": 2 * 108_000,
        "memoryRss": 2 * 2**30,
        "memoryReq": 8 * 2**30,
        "readBytes": 200,
        "cpuEfficiency": 90.0,
        "memoryEfficiency": 25.0,
    }
    assert {key: align[key] for key in used} == used
    assert {key: whole[key] for key in used} == used
    assert (whole["running"], whole["loadTasks"], whole["peakTasks"]) == (1, 1, 3)
    assert qc["cpuTime"] == 0


def test_no_number_of_a_client_breaks_progress(client: APIClient) -> None:
    most, least = 2**63 - 1, -(2**63)
    run = WorkflowFactory.create(load_cpus=-1, running=-3, peak_memory_bytes=most)
    for cpus, pcpu in ((most, 1e308), (least, -1.0), (most, None)):
        TaskFactory.create(
            workflow=run, cpus=cpus, realtime_ms=most, memory_bytes=most, pcpu=pcpu
        )
    shape = get(client, f"/{run.workflow_id}/progress")["progress"]["workflowProgress"]
    assert all(0 <= shape[key] <= most for key in UNBOXED)
    assert shape["memoryReq"] == most


def test_a_run_without_tasks_has_progress(client: APIClient, run: Workflow) -> None:
    progress = get(client, "/run1/progress")["progress"]
    assert progress["workflowProgress"].keys() >= UNBOXED
    assert (progress["processesProgress"], progress["totalProcesses"]) == ([], 0)


def test_nothing_is_known_of_how_a_run_was_launched(
    client: APIClient, run: Workflow
) -> None:
    assert get(client, "/run1/launch") == {"launch": None}


def test_metrics_are_as_nextflow_sent_them(client: APIClient, run: Workflow) -> None:
    assert get(client, "/run1/metrics")["metrics"][0]["process"] == "ALIGN"


def test_tasks_are_dumped_in_pages(
    client: APIClient, run: Workflow, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    TaskFactory.create_batch(5, workflow=run)
    with django_assert_num_queries(4):  # the token, the run, the count, the page
        page = get(client, "/run1/tasks", max=3, offset=0)
    assert (len(page["tasks"]), page["total"]) == (3, 5)
    assert len(get(client, "/run1/tasks", max=3, offset=3)["tasks"]) == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2]),
        ({"sortBy": "taskId", "sortDir": "desc"}, [2, 1]),
        ({"sortBy": "realtime"}, [2, 1]),
        ({"sortBy": "nonsense", "sortDir": "desc"}, [1, 2]),
        ({"search": "sampleB"}, [2]),
    ],
)
def test_tasks_are_sorted_and_searched(
    client: APIClient, run: Workflow, query: dict[str, str], expected: list[int]
) -> None:
    TaskFactory.create(workflow=run, task_id=1, tag="sampleA", realtime_ms=20)
    TaskFactory.create(workflow=run, task_id=2, tag="sampleB", realtime_ms=10)
    page = get(client, "/run1/tasks", **query)
    assert [entry["task"]["taskId"] for entry in page["tasks"]] == expected


def test_a_task_is_spelled_as_nextflow_does(client: APIClient, run: Workflow) -> None:
    TaskFactory.create(
        workflow=run,
        task_id=7,
        status=TaskStatus.FAILED,
        exit=137,
        error_action="retry",
        module="bwa/0.7,samtools/1.2",
        submitted_at=AT,
        native_id="4711",
        queue="",
    )
    task = get(client, "/run1/task/7")["task"]
    expected = {
        "taskId": 7,
        "status": "FAILED",
        "exit": 137,
        "errorAction": "RETRY",
        "module": ["bwa/0.7", "samtools/1.2"],
        "submit": "2026-08-22T10:00:00Z",
        "nativeId": "4711",
        "queue": None,
        "realtime": 60_000,
        "peakRss": 2**30,
        "memory": 4 * 2**30,
        "script": "echo hello",
    }
    assert {key: task[key] for key in expected} == expected


def test_a_word_of_later_versions_is_not_told(client: APIClient, run: Workflow) -> None:
    TaskFactory.create(workflow=run, task_id=7, status=TaskStatus.OTHER)
    assert get(client, "/run1/task/7")["task"]["status"] == "NEW"


def test_the_caller_may_work_in_one_workspace(db: None) -> None:
    user = make_user("turret.view_workflow")
    client = client_with("read", user=user)
    answer = client.get(f"/api/user/{user.pk}/workspaces")
    organization, workspace = answer.json()["orgsAndWorkspaces"]
    assert organization["workspaceId"] is None
    assert (workspace["workspaceId"], workspace["workspaceName"]) == (1, "seqhub")
    answer = client.get(f"/api/user/{user.pk + 1}/workspaces")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


PATHS = [
    f"{API}/x",
    f"{API}/x/progress",
    f"{API}/x/launch",
    f"{API}/x/metrics",
    f"{API}/x/tasks",
    f"{API}/x/task/1",
    f"{API}/x/log",
    f"{API}/x/download?fileName=nf-x.log",
    f"{API}/x/download/1?fileName=.command.out",
]


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_run_is_404_with_a_message(client: APIClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "application/octet-stream"})
    assert answer.status_code == 404
    assert "run x" in answer.json()["message"]


@pytest.mark.parametrize("path", [API, *PATHS])
def test_runs_are_for_those_who_may_see_them(db: None, path: str) -> None:
    nobody = client_with("read", user=make_user("runfolders.view_runfolder"))
    answers = [caller.get(path) for caller in (APIClient(), nobody)]
    assert [answer.status_code for answer in answers] == [401, 403]
    assert all(answer.json()["message"] for answer in answers)


@pytest.mark.parametrize("path", ["/workflow", "/api/workflow", "/api/workflow/run1"])
def test_a_browser_is_answered_with_json(run: Workflow, path: str) -> None:
    """DRF's page for people needs styles that the policy of `/` refuses."""
    answer = client_with("read").get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
