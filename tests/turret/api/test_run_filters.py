"""`/api/runs`: finding runs, in pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from rest_framework.test import APIClient

from tests.clients import make_user
from tests.factories import RunfolderFactory, SampleFactory
from tests.turret.factories import WorkflowFactory
from turret.choices import Status
from turret.models import Workflow

API = "/api/runs"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def pair(db: None) -> tuple[Workflow, Workflow]:
    """Two runs that differ in everything."""
    ann = make_user()
    ann.username = "ann"
    ann.save()
    folder = RunfolderFactory.create(pk=77, name="240131_A1", project="P1")
    SampleFactory.create(runfolder=folder, project="P2")
    done = WorkflowFactory.create(
        ended=True,
        workflow_id="aaaa",
        owner=ann,
        user_name="annika",
        run_name="mad_curie",
        batch_id="batch7",
        session_id="s-1",
        project_name="nf-core/rnaseq",
        repository="https://github.com/nf-core/rnaseq",
        runfolder=folder,
        labels=["validation"],
        created_at=FIRST,
        ended_at=FIRST,
    )
    stuck = WorkflowFactory.create(
        status=Status.UNKNOWN,
        stalled_at=LAST,
        run_name="sad_darwin",
        project_name="main.nf",
        repository="",
        created_at=LAST,
    )
    return done, stuck


def found(client: APIClient, **query: object) -> list[str]:
    answer = client.get(f"{API}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 200, answer.json()
    return [run["workflow_id"] for run in answer.json()["runs"]]


FINDING = [
    {"state": "succeeded"},
    {"status": ["succeeded", "failed"]},
    {"stalled": "false"},
    {"user": "ann"},
    {"user": "annika"},
    {"pipeline": "nf-core/rnaseq"},
    {"pipeline": "rnaseq"},
    {"pipeline": "https://github.com/nf-core/rnaseq"},
    {"project": "P1"},
    {"project": "P2"},
    {"runfolder": "77"},
    {"batch_id": "batch7"},
    {"run_name": "mad_curie"},
    {"session": "s-1"},
    {"label": "validation"},
    {"created_before": "2026-03-01"},
    {"ended_after": "2025-12-31T00:00:00Z", "ended_before": "2026-01-02"},
    {"text": "CURIE"},
    {"text": "240131"},
    {"text": "rnaseq status:succeeded"},
    {"text": "State:succeeded user:ann mad"},
    {"text": "pipeline:rnaseq project:P2 batch:batch7"},
    {"text": "session:s-1 run:mad_curie id:aaaa"},
    {"text": "label:validation runfolder:240131_A1"},
    {"text": "before:2026-03-01"},
    {"text": 'runName:"mad_curie" username:ann'},
    {"text": "https://github.com"},
]


@pytest.mark.parametrize("query", FINDING)
def test_a_filter_finds_what_matches_only(
    client: APIClient, pair: tuple[Workflow, Workflow], query: dict[str, Any]
) -> None:
    assert found(client, **query) == [pair[0].workflow_id]


@pytest.mark.parametrize(
    "query",
    [
        {"stalled": "true"},
        {"state": "unknown"},
        {"created_after": "2026-03-01"},
        {"text": "after:2026-03-01T00:00:00Z"},
        {"text": "after:2026-03-01T00:00:00-23:59"},
        {"text": '"sad_darwin"'},
    ],
)
def test_the_other_one_is_found_as_well(
    client: APIClient, pair: tuple[Workflow, Workflow], query: dict[str, Any]
) -> None:
    assert found(client, **query) == [pair[1].workflow_id]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("state=ended", "invalid"),
        ("created_after=soon", "invalid"),
        ("text=%00", "invalid"),
        ("text=status:ended", "invalid_value"),
        ("text=status:", "invalid_value"),
        ("text=rnaseq after: 2026-01-31", "invalid_value"),
        ("text=after:soon", "invalid_value"),
        ("text=before:9999-12-31T23:59:59-23:59", "invalid_value"),
    ],
)
def test_an_odd_filter_is_refused(client: APIClient, query: str, code: str) -> None:
    answer = client.get(f"{API}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_all_runs_come_newest_first_in_pages(
    client: APIClient, pair: tuple[Workflow, Workflow]
) -> None:
    assert found(client) == [pair[1].workflow_id, pair[0].workflow_id]
    page = client.get(f"{API}?limit=1").json()
    assert (page["total"], page["previous"]) == (2, None)
    rest = client.get(page["next"]).json()
    assert [run["workflow_id"] for run in rest["runs"]] == [pair[0].workflow_id]
    assert rest["next"] is None
    assert client.get(f"{API}/?limit=1").json()["runs"] == page["runs"]


def test_five_hundred_runs_are_a_page(client: APIClient) -> None:
    owner = make_user()
    for _ in range(501):
        WorkflowFactory.create(owner=owner)
    page = client.get(API).json()
    assert (len(page["runs"]), page["total"]) == (500, 501)
