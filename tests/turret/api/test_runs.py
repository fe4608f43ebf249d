"""`/api/runs`: the old service's shapes, and ours beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from seqhub.operations.services.events import record_event
from tests.clients import client_with, make_user
from tests.factories import RunfolderFactory
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from turret.choices import Status, TaskStatus

API = "/api/runs"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


def test_a_client_of_the_old_service_finds_what_it_knows(client: APIClient) -> None:
    run = WorkflowFactory.create(
        run_name="dispatcher_b1",
        batch_id="b1",
        created_at=FIRST,
        last_seen_at=LAST,
        pending=3,
        submitted=2,
        running=1,
        succeeded=5,
        cached=4,
        failed=2,
        retries=1,
        load_cpus=8,
        load_memory_bytes=1024,
        peak_cpus=16,
        peak_memory_bytes=2048,
        peak_running=6,
    )
    ProcessFactory.create(
        workflow=run, name="A:ALIGN", index=7, succeeded=5, stored=1, load_cpus=8
    )
    TaskFactory.create(
        workflow=run,
        task_id=11,
        status=TaskStatus.FAILED,
        process="A:ALIGN",
        name="A:ALIGN (s1)",
        tag="s1",
        exit=137,
        hash="ab/cdef01",
    )
    entry = client.get(f"{API}/{run.workflow_id}").json()
    old = {
        "workflow_id": run.workflow_id,
        "batch_id": "b1",
        "run_name": "dispatcher_b1",
        "task_counts": {
            "succeeded": 5,
            "failed": 2,
            "cached": 4,
            "running": 1,
            "pending": 3,
            "submitted": 2,
            "aborted": 0,
        },
        "processes": [
            {
                "index": 7,
                "name": "A:ALIGN",
                "pending": 0,
                "submitted": 0,
                "running": 0,
                "succeeded": 5,
                "cached": 0,
                "failed": 0,
                "aborted": 0,
                "stored": 1,
                "ignored": 0,
                "retries": 0,
                "terminated": False,
                "loadCpus": 8,
                "loadMemory": 0,
                "peakRunning": 0,
                "peakCpus": 0,
                "peakMemory": 0,
            }
        ],
        "resources": {
            "loadCpus": 8,
            "loadMemory": 1024,
            "peakCpus": 16,
            "peakMemory": 2048,
            "peakRunning": 6,
        },
        "failures": [
            {
                "taskId": 11,
                "process": "A:ALIGN",
                "name": "A:ALIGN (s1)",
                "tag": "s1",
                "exit": 137,
                "hash": "ab/cdef01",
            }
        ],
        "complete": False,
        "stalled": False,
        "done": 9,
        "total": 16,
        "pct": 62,
        "started_at": FIRST.timestamp(),
        "updated_at": LAST.timestamp(),
    }
    assert {name: entry[name] for name in old} == old
    listed = client.get(API).json()["runs"][0]
    assert {name: listed[name] for name in old} == old
    assert (entry["status"], entry["ignored"], entry["retries"]) == ("running", 0, 1)
    assert client.get(entry["url"]).json()["workflow_id"] == run.workflow_id


@pytest.mark.parametrize(
    ("counts", "status", "expected"),
    [
        ({"succeeded": 3, "failed": 1, "retries": 1}, "succeeded", (3, 3, 100)),
        ({"succeeded": 3, "failed": 1, "retries": 1}, "running", (3, 3, 100)),
        ({"succeeded": 3, "failed": 1, "ignored": 1}, "succeeded", (3, 4, 100)),
        ({"succeeded": 3, "failed": 1, "aborted": 2}, "failed", (3, 6, 100)),
        ({"succeeded": 3, "running": 1, "pending": 2}, "cancelled", (3, 3, 100)),
        ({"succeeded": 1, "failed": 1, "running": 2}, "running", (1, 4, 50)),
        ({}, "submitted", (0, 0, 0)),
    ],
)
def test_percent_is_right_whatever_became_of_the_tasks(
    client: APIClient,
    counts: dict[str, int],
    status: str,
    expected: tuple[int, int, int],
) -> None:
    run = WorkflowFactory.create(status=status, **counts)
    entry = client.get(f"{API}/{run.workflow_id}").json()
    assert (entry["done"], entry["total"], entry["pct"]) == expected


def test_nothing_runs_in_a_run_that_is_over(client: APIClient) -> None:
    left = {"pending": 1, "submitted": 1, "running": -1, "load_cpus": -1}
    run = WorkflowFactory.create(status=Status.CANCELLED, succeeded=2, **left)
    ProcessFactory.create(workflow=run, **left)
    entry = client.get(f"{API}/{run.workflow_id}").json()
    for counts in (entry["task_counts"], *entry["processes"]):
        assert [counts[key] for key in ("pending", "submitted", "running")] == [0] * 3
    assert entry["resources"]["loadCpus"] == entry["processes"][0]["loadCpus"] == 0
    [process] = client.get(f"{API}/{run.workflow_id}/processes").json()["results"]
    assert [process[key] for key in left] == [0] * 4


@pytest.mark.parametrize(
    ("fields", "complete", "stalled"),
    [
        ({}, False, False),
        ({"stalled_at": LAST}, False, True),
        ({"status": Status.UNKNOWN}, False, True),
        ({"ended": True, "stalled_at": LAST}, True, False),
        ({"status": Status.UNKNOWN, "ended_at": LAST}, True, False),
        ({"status": Status.FAILED}, True, False),
    ],
)
def test_a_run_is_complete_or_may_be_stalled(
    client: APIClient, fields: dict[str, Any], complete: bool, stalled: bool
) -> None:
    run = WorkflowFactory.create(**fields)
    entry = client.get(f"{API}/{run.workflow_id}").json()
    assert (entry["complete"], entry["stalled"]) == (complete, stalled)
    totals = [client.get(f"{API}?stalled={value}").json()["total"] for value in (0, 1)]
    assert totals == [not stalled, stalled]


def test_the_last_failures_are_shown(client: APIClient) -> None:
    run, other = (WorkflowFactory.create(failed=60) for _ in range(2))
    for number in range(1, 61):
        TaskFactory.create(workflow=run, task_id=number, status=TaskStatus.FAILED)
    TaskFactory.create(workflow=run, task_id=61)
    TaskFactory.create(workflow=other, task_id=5, status=TaskStatus.FAILED, tag="")
    shown = client.get(f"{API}/{run.workflow_id}").json()["failures"]
    assert [failure["taskId"] for failure in shown] == list(range(11, 61))
    shown = client.get(f"{API}/{other.workflow_id}").json()["failures"]
    assert [(failure["taskId"], failure["tag"]) for failure in shown] == [(5, None)]


def test_a_list_takes_the_same_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        for _ in range(1 + 20 * number):
            run = WorkflowFactory.create(failed=1, runfolder=RunfolderFactory.create())
            ProcessFactory.create_batch(2, workflow=run)
            TaskFactory.create(workflow=run, status=TaskStatus.FAILED)
        # The token, the count, the page, its processes and failures.
        with django_assert_num_queries(5):
            client.get(API)


def test_one_run_says_more(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = WorkflowFactory.create(
        ended=True, session_id="s-1", created_at=FIRST, status=Status.FAILED
    )
    run = WorkflowFactory.create(
        session_id="s-1",
        resume=True,
        error_report="It failed because of this.",
        error_message="token=hunter2 is wrong",
        command_line="nextflow run demo --db_password hunter2 --input s.csv",
        manifest={"name": "nf-core/demo"},
        tasks_pruned_at=LAST,
        failed=1,
    )
    # The token, the run, its processes, failures and chain.
    with django_assert_num_queries(5):
        entry = client.get(f"{API}/{run.workflow_id}").json()
    assert entry["error_report"] == "It failed because of this."
    assert "hunter2" not in str(entry)
    assert "--input s.csv" in entry["command_line"]
    assert entry["manifest"] == {"name": "nf-core/demo"}
    assert (entry["scripts_pruned"], entry["tasks_pruned"]) == (False, True)
    chain = [(row["workflow_id"], row["status"]) for row in entry["resume_chain"]]
    assert chain == [(first.workflow_id, "failed"), (run.workflow_id, "running")]
    assert entry["resume_chain"][0]["started_at"] == FIRST.timestamp()


def test_configuration_is_masked_and_for_those_who_may_see_it(
    viewer: APIClient,
) -> None:
    run = WorkflowFactory.create(
        params={"input": "s.csv", "api_key": "hunter2"},
        config_files=["/data/nextflow.config"],
        config_text="tower.accessToken = 'hunter3'\nprocess.cpus = 2\n",
    )
    path = f"{API}/{run.workflow_id}/config"
    answer = viewer.get(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    trusted = make_user("turret.view_workflow", "turret.see_secrets_workflow")
    answer = client_with("read", user=trusted).get(path)
    assert b"hunter" not in answer.content
    assert answer.json()["params"]["input"] == "s.csv"
    assert answer.json()["config_files"] == ["/data/nextflow.config"]
    assert "process.cpus = 2" in answer.json()["config_text"]
    for part in (run.workflow_id, ""):
        assert b"hunter" not in viewer.get(f"{API}/{part}").content


def test_a_command_line_is_for_those_who_may_see_parameters(
    viewer: APIClient, client: APIClient
) -> None:
    run = WorkflowFactory.create(command_line="nextflow run x --db_password hunter2")
    path = f"{API}/{run.workflow_id}"
    assert viewer.get(path).json()["command_line"] is None
    told = client.get(path).json()["command_line"]
    assert told == "nextflow run x --db_password [masked]"


def test_what_newer_versions_of_nextflow_tell_is_kept(viewer: APIClient) -> None:
    image = {"targetImage": "wave.example/x", "token": "hunter2"}
    dag = {"vertices": [{"id": "1", "type": "PROCESS", "label": "A"}], "edges": []}
    run = WorkflowFactory.create(
        dag=dag, containers=[image], extra={"fusion": {"enabled": True}}
    )
    told = viewer.get(f"{API}/{run.workflow_id}").json()
    assert told["containers"] == [{**image, "token": "[masked]"}]
    assert told["extra"] == {"fusion": {"enabled": True}}
    assert viewer.get(f"{API}/{run.workflow_id}/dag").json() == {"dag": dag}


def test_an_imported_id_breaks_no_list(client: APIClient) -> None:
    for odd in ("dispatcher_a/b", "dispatcher_å ?#%", "."):
        WorkflowFactory.create(workflow_id=odd, session_id="s-1")
    run = WorkflowFactory.create(session_id="s-1")
    urls = {
        entry["workflow_id"]: entry["url"] for entry in client.get(API).json()["runs"]
    }
    assert urls["dispatcher_a/b"] is None
    odd = urls["dispatcher_å ?#%"]
    assert client.get(odd).json()["workflow_id"] == "dispatcher_å ?#%"
    assert len(client.get(urls[run.workflow_id]).json()["resume_chain"]) == 4


def test_processes_are_a_page(client: APIClient) -> None:
    run = WorkflowFactory.create()
    ProcessFactory.create(workflow=run, name="B", index=2)
    ProcessFactory.create(workflow=run, name="A", index=1, succeeded=3, ignored=1)
    ProcessFactory.create()
    page = client.get(f"{API}/{run.workflow_id}/processes").json()
    assert page["count"] == 2
    assert [row["name"] for row in page["results"]] == ["A", "B"]
    assert (page["results"][0]["succeeded"], page["results"][0]["ignored"]) == (3, 1)
    assert client.get(f"{API}/{run.workflow_id}/processes/").json() == page


def test_metrics_are_as_nextflow_sent_them(client: APIClient) -> None:
    sent = [{"process": "ALIGN", "cpu": {"mean": 312.4}, "mem": None}]
    run = WorkflowFactory.create(metrics=sent)
    none = WorkflowFactory.create()
    for row, expected in ((run, sent), (none, [])):
        answer = client.get(f"{API}/{row.workflow_id}/metrics")
        assert answer.json() == {"metrics": expected}


def test_events_of_a_run_are_its_own(client: APIClient) -> None:
    run, other = WorkflowFactory.create_batch(2)
    for row in (run, other):
        record_event(row.subject, "begun", f"{row} has begun.")
    page = client.get(f"{API}/{run.workflow_id}/events").json()
    assert [event["message"] for event in page["results"]] == [f"{run} has begun."]


@pytest.mark.parametrize("name", ["nothing", "%00", "%C3%28", "a%2Fb"])
@pytest.mark.parametrize(
    "rest",
    ["", "/config", "/metrics", "/processes", "/events", "/tasks", "/tasks/1", "/dag"],
)
def test_an_unknown_run_is_404(client: APIClient, name: str, rest: str) -> None:
    answer = client.get(f"{API}/{name}{rest}")
    assert answer.status_code == 404
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "rest", ["", "/x", "/x/metrics", "/x/processes", "/x/events", "/x/tasks"]
)
def test_runs_are_for_those_who_may_see_them(
    viewer: APIClient, client: APIClient, rest: str
) -> None:
    WorkflowFactory.create(workflow_id="x", last_seen_at=LAST + timedelta(hours=1))
    nobody = client_with("read", user=make_user("runfolders.view_runfolder"))
    tracer = client_with("trace")
    statuses = [
        caller.get(f"{API}{rest}").status_code
        for caller in (APIClient(), nobody, tracer, viewer, client)
    ]
    assert statuses == [401, 403, 403, 200, 200]
