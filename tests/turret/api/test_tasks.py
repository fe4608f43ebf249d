"""`/api/runs/{id}/tasks`: in pages, as CSV, and one of them."""

from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import StreamingHttpResponse
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from seqhub.lib.turns import MOST_AT_ONCE
from tests.clients import client_with, make_user
from tests.turret.factories import TaskFactory, WorkflowFactory
from turret.choices import TaskStatus
from turret.models import Workflow, WorkflowTask

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(db: None) -> Workflow:
    """With three tasks, and another run beside it with one."""
    run = WorkflowFactory.create(workflow_id="run1")
    TaskFactory.create(workflow=run, task_id=1, realtime_ms=2000, tag="a")
    TaskFactory.create(
        workflow=run,
        task_id=2,
        status=TaskStatus.FAILED,
        process="DEMO:QC:FASTQC",
        tag="b",
        exit=137,
        hash="cd/137137",
        workdir="/data/work/cd/137137ff",
        native_id="4711",
        error_action="retry",
        realtime_ms=1000,
    )
    TaskFactory.create(
        workflow=run,
        task_id=3,
        status=TaskStatus.RUNNING,
        process="DEMO:QC:FASTQC",
        tag="b",
        exit=None,
        attempt=2,
        realtime_ms=None,
        completed_at=None,
    )
    TaskFactory.create(task_id=2)
    return run


def page(client: APIClient, run: Workflow, **query: object) -> dict[str, Any]:
    text = urlencode(query, doseq=True)
    answer = client.get(f"/api/runs/{run.workflow_id}/tasks?{text}")
    assert answer.status_code == 200, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def found(client: APIClient, run: Workflow, **query: object) -> list[int | None]:
    return [row["task_id"] for row in page(client, run, **query)["results"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"state": "failed"}, [2]),
        ({"status": ["failed", "running"]}, [2, 3]),
        ({"process": "DEMO:QC:FASTQC"}, [2, 3]),
        ({"process": "FASTQC"}, [2, 3]),
        ({"process": "QC"}, []),
        ({"tag": "a"}, [1]),
        ({"exit": "137"}, [2]),
        ({"exit": 10**30}, []),
        ({"text": "fastqc (b)"}, [2, 3]),
        ({"text": "137137"}, [2]),
        ({"text": "4711"}, [2]),
        ({"ordering": "-task_id"}, [3, 2, 1]),
        ({"ordering": "realtime_ms"}, [2, 1, 3]),
        ({"ordering": "-realtime_ms"}, [1, 2, 3]),
        ({"ordering": "-process,task_id"}, [2, 3, 1]),
    ],
)
def test_tasks_are_filtered_and_sorted(
    client: APIClient, run: Workflow, query: dict[str, Any], expected: list[int]
) -> None:
    assert found(client, run, **query) == expected


@pytest.mark.parametrize("query", ["state=done", "exit=x", "ordering=script"])
def test_an_odd_filter_is_refused(client: APIClient, run: Workflow, query: str) -> None:
    answer = client.get(f"/api/runs/run1/tasks?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_tasks_come_in_pages(
    client: APIClient, run: Workflow, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    TaskFactory.create_batch(20, workflow=run)
    with django_assert_num_queries(4):  # the token, the run, the count, the page
        first = page(client, run, limit=2)
    assert (first["count"], len(first["results"])) == (23, 2)
    second = client.get(first["next"]).json()
    assert second["results"][0]["task_id"] == 3
    slashed = client.get("/api/runs/run1/tasks/?limit=2").json()
    assert slashed["results"] == first["results"]


def test_a_task_says_what_it_took(client: APIClient, run: Workflow) -> None:
    WorkflowTask.objects.filter(workflow=run, task_id=2).update(
        submitted_at=AT, extra={"numSpotInterruptions": 1}
    )
    task = client.get("/api/runs/run1/tasks/2").json()
    assert (task["status"], task["exit"], task["error_action"]) == (
        "failed",
        137,
        "retry",
    )
    assert task["submitted_at"] == "2026-01-01T00:00:00+00:00"
    assert (task["memory_bytes"], task["peak_rss_bytes"]) == (4 * 2**30, 2**30)
    assert task["script"] == "echo hello"
    assert task["extra"] == {"numSpotInterruptions": 1}
    assert "script" not in page(client, run)["results"][0]


def test_a_failed_task_says_why(
    client: APIClient, run: Workflow, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):  # the token, the run, the task
        task = client.get("/api/runs/run1/tasks/2").json()
    assert task["cause"].keys() == {"code", "words", "hint"}
    assert "memory" in task["cause"]["words"]
    assert client.get("/api/runs/run1/tasks/1").json()["cause"] is None


@pytest.mark.parametrize("task", ["4", "0", "9" * 30])
def test_an_unknown_task_is_404(client: APIClient, run: Workflow, task: str) -> None:
    answer = client.get(f"/api/runs/run1/tasks/{task}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_task")


def test_environments_are_masked_and_for_those_who_may_see_them(
    viewer: APIClient, run: Workflow
) -> None:
    run.tasks.update(
        env="THREADS=4\nDB_PASSWORD=hunter2\n", script="curl --token hunter2 x"
    )
    path = "/api/runs/run1/tasks/1"
    answer = viewer.get(path)
    assert answer.json()["env"] is None
    assert b"hunter2" not in answer.content
    trusted = make_user("turret.view_workflow", "turret.see_secrets_workflow")
    env = client_with("read", user=trusted).get(path).json()["env"]
    assert "THREADS=4" in env
    assert "hunter2" not in env


def text_of(client: APIClient, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert isinstance(answer, StreamingHttpResponse)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="tasks-run1.csv"'
    return b"".join(answer).decode()


def test_an_id_that_is_made_up_is_nobodys_number(
    client: APIClient, run: Workflow
) -> None:
    run.tasks.filter(task_id=1).update(task_id=-7_131_313)
    assert found(client, run) == [None, 2, 3]
    rows = list(
        csv.DictReader(io.StringIO(text_of(client, "/api/runs/run1/tasks?format=csv")))
    )
    assert [row["task_id"] for row in rows] == ["", "2", "3"]


def test_tasks_are_exported_as_they_are_filtered(
    client: APIClient, run: Workflow
) -> None:
    run.tasks.filter(task_id=3).update(tag="=HYPERLINK(1)", submitted_at=AT)
    path = "/api/runs/run1/tasks?format=csv&process=FASTQC&ordering=-task_id&limit=1"
    rows = list(csv.DictReader(io.StringIO(text_of(client, path))))
    assert [row["task_id"] for row in rows] == ["3", "2"]
    assert (rows[0]["tag"], rows[0]["exit"]) == ("'=HYPERLINK(1)", "")
    assert rows[0]["submitted_at"] == "2026-01-01 00:00:00+00:00"
    assert (rows[1]["exit"], rows[1]["pcpu"]) == ("137", "180.0")
    assert {"script", "env"}.isdisjoint(rows[0])
    listed = page(client, run)["results"][0]
    assert list(rows[0]) == list(listed)


def test_accept_asks_for_csv_as_well(client: APIClient, run: Workflow) -> None:
    text = text_of(client, "/api/runs/run1/tasks", accept="text/csv")
    assert len(text.splitlines()) == 4


def test_an_error_is_a_line_of_text(client: APIClient, run: Workflow) -> None:
    for path, line in (
        ("none/tasks?format=csv", "unknown_workflow: There is no run none.\n"),
        ("run1/tasks?format=csv&exit=x", "invalid: exit: Enter a number.\n"),
    ):
        assert client.get(f"/api/runs/{path}").content.decode() == line


@pytest.mark.slow
def test_a_long_export_does_not_fill_the_memory(
    client: APIClient, run: Workflow
) -> None:
    WorkflowTask.objects.bulk_create(
        WorkflowTask(
            workflow=run, task_id=number, status="completed", workdir="x" * 900
        )
        for number in range(10, 10_010)
    )
    size = 0
    tracemalloc.start()
    try:
        answer = client.get("/api/runs/run1/tasks?format=csv")
        assert isinstance(answer, StreamingHttpResponse)
        for piece in answer:
            size += len(piece)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == int(answer["Content-Length"]) > 9_000_000
    assert peak < size / 2


def test_slow_readers_leave_threads_to_the_trace(
    client: APIClient, run: Workflow
) -> None:
    path = "/api/runs/run1/tasks?format=csv"
    slow = [client.get(path) for _ in range(MOST_AT_ONCE)]
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer["Retry-After"]
    for sent in slow:
        b"".join(sent)
    assert len(text_of(client, path).splitlines()) == 4


def test_a_person_browses_runs_and_tasks(run: Workflow) -> None:
    browser = APIClient(headers={"Accept": "text/html"})
    browser.force_login(make_user("turret.view_workflow", is_staff=True))
    for path in ("/api/runs", "/api/runs/run1", "/api/runs/run1/tasks"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "run1" in answer.content.decode()
