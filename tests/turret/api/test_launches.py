"""`/api/launches`: the old service's shapes, and ours beside them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from tests.clients import client_with, make_user
from tests.turret.factories import (
    ComputeFactory,
    LaunchFactory,
    PipelineFactory,
    WorkflowFactory,
)
from turret.choices import LaunchState
from turret.models import Launch

API = "/api/launches"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def looker(db: None) -> APIClient:
    """Of somebody who may see launches, but no secrets."""
    return client_with("read", user=make_user("turret.view_launch"))


def test_a_client_of_the_old_service_finds_what_it_knows(client: APIClient) -> None:
    launch = LaunchFactory.create(
        revision="1.0.2",
        params={"input": "s.csv", "lines": 3},
        profile="docker",
        pid=4711,
        exit_code=1,
        state=LaunchState.FAILED,
        submitted_at=FIRST,
        started_at=FIRST,
        finished_at=LAST,
    )
    entry = client.get(f"{API}/{launch.launch_id}").json()
    old = {
        "launch_id": launch.workflow.workflow_id,
        "pipeline": "nf-core/demo",
        "revision": "1.0.2",
        "params": {"input": "s.csv", "lines": 3},
        "profile": "docker",
        "work_dir": launch.work_dir,
        "run_name": launch.run_name,
        "status": "failed",
        "pid": 4711,
        "exit_code": 1,
        "log_path": f"{launch.directory}/output.log",
        "submitted_at": FIRST.timestamp(),
        "started_at": FIRST.timestamp(),
        "finished_at": LAST.timestamp(),
    }
    assert {name: entry[name] for name in old} == old
    page = client.get(API).json()
    assert page["total"] == 1
    assert {name: page["launches"][0][name] for name in old} == old
    assert client.get(entry["url"]).json()["launch_id"] == launch.launch_id
    assert client.get(entry["run"]).json()["workflow_id"] == launch.launch_id


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", "pending"),
        ("starting", "pending"),
        ("running", "running"),
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("lost", "failed"),
    ],
)
def test_states_have_the_old_words_beside_their_own(
    client: APIClient, state: str, status: str
) -> None:
    launch = LaunchFactory.create(state=state)
    LaunchFactory.create(state="failed" if status == "running" else "running")
    entry = client.get(f"{API}/{launch.launch_id}").json()
    assert (entry["state"], entry["status"]) == (state, status)
    for query in (f"state={state}", f"status={status}"):
        (found,) = client.get(f"{API}?{query}").json()["launches"]
        assert found["launch_id"] == launch.launch_id


def test_launches_are_listed_newest_first_in_pages(client: APIClient) -> None:
    for day in (1, 3, 2):
        LaunchFactory.create(run_name=f"r{day}", submitted_at=FIRST.replace(day=day))
    page = client.get(f"{API}?limit=2").json()
    assert [entry["run_name"] for entry in page["launches"]] == ["r3", "r2"]
    assert (page["total"], page["previous"]) == (3, None)
    rest = client.get(page["next"]).json()
    assert [entry["run_name"] for entry in rest["launches"]] == ["r1"]
    assert client.get(f"{API}/").json()["total"] == 3


def test_a_list_takes_the_same_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 20):
        for _ in range(number):
            parent = LaunchFactory.create(pipeline=PipelineFactory.create())
            LaunchFactory.create(parent=parent, pipeline=PipelineFactory.create())
        # The token, the count, the page.
        with django_assert_num_queries(3):
            client.get(API)


def test_secrets_are_masked_and_not_for_all(
    client: APIClient, looker: APIClient
) -> None:
    launch = LaunchFactory.create(
        source="https://me:hunter2@git.example/x",
        params={"input": "s.csv", "db_password": "hunter2"},
        config_text="tower.accessToken = 'hunter2'\nprocess.cpus = 2",
        message="Password: hunter2 was refused.",
        workflow=WorkflowFactory.create(
            command_line="nextflow run x --db_password hunter2"
        ),
    )
    path = f"{API}/{launch.launch_id}"
    entry = client.get(path).json()
    assert entry["params"] == {"input": "s.csv", "db_password": "[masked]"}
    assert "process.cpus = 2" in entry["config_text"]
    assert entry["command_line"] == "nextflow run x --db_password [masked]"
    hidden = looker.get(path).json()
    assert [hidden[key] for key in ("params", "config_text", "command_line")] == (
        [None] * 3
    )
    assert looker.get(API).json()["launches"][0]["params"] is None
    for caller in (client, looker):
        for address in (path, API):
            assert b"hunter2" not in caller.get(address).content


@pytest.mark.django_db
def test_who_launched_it_sees_what_they_sent() -> None:
    user = make_user("turret.view_launch")
    launch = LaunchFactory.create(owner=user, params={"input": "s.csv"})
    own = client_with("read", user=user)
    assert own.get(f"{API}/{launch.launch_id}").json()["params"] == {"input": "s.csv"}


@pytest.mark.parametrize(
    "query",
    [
        "user=ann",
        "pipeline=nf-core/special",
        "pipeline=special",
        "compute=cluster",
        "host=node7",
        "batch_id=b7",
        "run_name=mine",
        "session=s-7",
        "label=validation",
        "code=no_nextflow",
        "submitted_after=2026-05-01T00:00:00Z",
        "finished_after=2026-05-01T00:00:00Z",
        "text=mine",
        "text=special+ann",
        "text=validation",
        "text=Exome",
    ],
)
def test_launches_are_found(client: APIClient, query: str) -> None:
    LaunchFactory.create_batch(2, submitted_at=FIRST, finished_at=FIRST)
    owner = make_user()
    owner.username = "ann"
    owner.save()
    LaunchFactory.create(
        workflow=WorkflowFactory.create(batch_id="b7", session_id="s-7"),
        owner=owner,
        source="nf-core/special",
        compute=ComputeFactory.create(name="cluster"),
        pipeline=PipelineFactory.create(name="Exomes"),
        host="node7",
        run_name="mine",
        labels=["validation"],
        code="no_nextflow",
        submitted_at=LAST,
        finished_at=LAST,
    )
    page = client.get(f"{API}?{query}").json()
    assert [entry["run_name"] for entry in page["launches"]] == ["mine"]


def test_children_and_launches_of_a_saved_pipeline_are_found(client: APIClient) -> None:
    saved = PipelineFactory.create()
    parent = LaunchFactory.create()
    child = LaunchFactory.create(parent=parent, pipeline=saved)
    for query in (f"parent={parent.launch_id}", f"saved_pipeline={saved.pk}"):
        (entry,) = client.get(f"{API}?{query}").json()["launches"]
        assert entry["launch_id"] == child.launch_id
        assert entry["parent"] == parent.launch_id
        assert entry["saved_pipeline_name"] == saved.name


@pytest.mark.parametrize(
    "query", ["state=odd", "status=lost", "submitted_after=soon", "saved_pipeline=x"]
)
def test_a_wrong_filter_is_400(client: APIClient, query: str) -> None:
    answer = client.get(f"{API}?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["message"]


@pytest.mark.parametrize("method", ["get", "delete"])
@pytest.mark.parametrize("name", ["nothing", "%00", "%C3%28"])
def test_an_unknown_launch_is_404(db: None, name: str, method: str) -> None:
    answer = getattr(client_with("read", "write"), method)(f"{API}/{name}")
    assert answer.status_code == 404
    assert {"code", "message", "detail"} <= answer.json().keys()


def cancel(client: APIClient, launch: Launch) -> Any:
    return client.delete(f"{API}/{launch.launch_id}")


def test_a_waiting_launch_is_cancelled_at_once(operator: APIClient) -> None:
    launch = LaunchFactory.create(state=LaunchState.PENDING, started_at=None)
    answer = cancel(operator, launch)
    assert (answer.status_code, answer.json()) == (
        200,
        {"launch_id": launch.launch_id, "status": "cancelled", "state": "cancelled"},
    )
    launch.refresh_from_db()
    assert launch.state == LaunchState.CANCELLED


def test_cancelling_what_runs_asks_for_it_however_often(operator: APIClient) -> None:
    launch = LaunchFactory.create()
    for _ in range(2):
        answer = cancel(operator, launch)
        assert answer.status_code == 200
        assert answer.json()["status"] == "cancelled"
        assert answer.json()["state"] == "running"
    launch.refresh_from_db()
    assert launch.cancel_asked_at is not None


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "lost"])
def test_what_has_ended_is_not_cancelled(operator: APIClient, state: str) -> None:
    launch = LaunchFactory.create(state=state, finished_at=timezone.now())
    answer = cancel(operator, launch)
    assert answer.status_code == 409
    assert launch.run_name in answer.json()["detail"]


def test_launches_are_for_those_who_may(looker: APIClient, operator: APIClient) -> None:
    launch = LaunchFactory.create()
    nobody = client_with("read", "write", user=make_user("turret.view_workflow"))
    # Who may launch, with a token that may only read; and the other way round.
    reader = client_with("read", user=make_user("turret.launch_launch"))
    writer = client_with("write", user=make_user("turret.view_launch"))
    callers = (APIClient(), nobody, reader, writer)
    assert [cancel(caller, launch).status_code for caller in callers] == [
        401,
        403,
        403,
        403,
    ]
    for rest in ("", f"/{launch.launch_id}", f"/{launch.launch_id}/log"):
        statuses = [
            caller.get(f"{API}{rest}").status_code
            for caller in (*callers, looker, operator)
        ]
        assert statuses[:4] == [401, 403, 403, 403]
        assert set(statuses[4:]) <= {200, 404}
