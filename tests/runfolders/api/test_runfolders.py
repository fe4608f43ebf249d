"""`/api/runfolders`: the list with its filters, and one run folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from runfolders.models import Runfolder
from runfolders.services.holds import hold
from runfolders.services.notes import add_note
from runfolders.services.states import set_state
from seqhub.operations.services.events import SYSTEM
from tests.factories import (
    InstrumentFactory,
    RootFactory,
    RunfolderFactory,
    SampleFactory,
)

API = "/api/runfolders"
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
LAST = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def pair(db: None) -> tuple[Runfolder, Runfolder]:
    """Two run folders that differ in everything."""
    novaseq = RunfolderFactory.create(
        name="240101_A00834_0001_AHAAA",
        complete=True,
        flow_cell="HAAA",
        project="Lake",
        first_seen_at=FIRST,
        completed_at=FIRST,
        instrument=InstrumentFactory.create(serial="A00834", name="Nova"),
    )
    aviti = RunfolderFactory.create(
        name="20240601_AV2_run",
        platform="element",
        first_seen_at=LAST,
        is_present=False,
        root=RootFactory.create(host="elsewhere"),
        instrument=InstrumentFactory.create(serial="AV2", platform="element"),
    )
    SampleFactory.create(runfolder=aviti, project="River")
    return novaseq, aviti


def found(client: APIClient, **query: object) -> list[int]:
    answer = client.get(f"{API}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "ready"},
        {"sequencing": "complete"},
        {"platform": "illumina"},
        {"instrument": "A00834"},
        {"instrument": "Nova"},
        {"project": "Lake"},
        {"host": "testhost"},
        {"present": "true"},
        {"seen_before": "2024-03-01"},
        {"completed_after": "2023-12-31T00:00:00Z"},
        {"completed_before": "2024-03-01T12:00:00+02:00"},
        {"text": "haaa"},
        {"text": "a00834_0001"},
        {"text": "lak"},
        {"state": ["ready", "done"], "platform": "illumina"},
    ],
)
def test_a_filter_finds_what_matches_only(
    client: APIClient, pair: tuple[Runfolder, Runfolder], query: dict[str, Any]
) -> None:
    assert found(client, **query) == [pair[0].pk]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "none"},
        {"project": "River"},
        {"seen_after": "2024-03-01"},
        {"present": "false"},
        {"text": "aV2_"},
    ],
)
def test_the_other_one_is_found_as_well(
    client: APIClient, pair: tuple[Runfolder, Runfolder], query: dict[str, Any]
) -> None:
    assert found(client, **query) == [pair[1].pk]


def test_all_are_listed_newest_first(
    client: APIClient, pair: tuple[Runfolder, Runfolder]
) -> None:
    assert found(client) == [pair[1].pk, pair[0].pk]
    assert found(client, state=["ready", "none"]) == [pair[1].pk, pair[0].pk]


def test_ignored_ones_and_those_of_former_roots_are_hidden(client: APIClient) -> None:
    ignored = RunfolderFactory.create(ignored_at=LAST)
    former = RunfolderFactory.create(root=RootFactory.create(is_configured=False))
    assert found(client) == []
    for run in (ignored, former):
        assert client.get(f"{API}/{run.pk}").status_code == 404


def test_pages_lead_to_each_other(client: APIClient) -> None:
    RunfolderFactory.create_batch(5)
    seen: list[int] = []
    url = f"{API}?limit=2"
    while url:
        page = client.get(url).json()
        assert page["count"] == 5
        assert len(page["results"]) <= 2
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert len(set(seen)) == 5
    assert page["previous"] == f"http://testserver{API}?limit=2&offset=2"


@pytest.mark.parametrize(
    ("query", "length"),
    [
        ("limit=100000", 3),
        ("limit=0", 3),
        ("limit=x", 3),
        ("offset=99999999999999999999", 0),
        ("offset=-1", 3),
        ("offset=2", 1),
    ],
)
def test_odd_pages_do_no_harm(client: APIClient, query: str, length: int) -> None:
    RunfolderFactory.create_batch(3)
    answer = client.get(f"{API}?{query}")
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == length


def test_a_list_takes_the_same_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        for run in RunfolderFactory.create_batch(1 + 20 * number):
            SampleFactory.create_batch(2, runfolder=run)
        client.get(API)
        with django_assert_num_queries(3):  # the token, the count, the page
            page = client.get(API).json()
        assert {row["sample_count"] for row in page["results"]} == {2}


def test_one_run_folder_shows_everything(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = RunfolderFactory.create(
        reads=[{"number": 1, "cycles": 151, "is_index": False}],
        problems=[{"code": "x", "message": "y", "line": None}],
    )
    SampleFactory.create_batch(3, runfolder=run, project="Lake")
    set_state(run.pk, "done", actor=SYSTEM)
    hold(run.pk, actor=SYSTEM, reason="Wait.")
    add_note(run.pk, "Look.", actor=SYSTEM)
    client.get(f"{API}/{run.pk}")
    with django_assert_num_queries(6):
        entry = client.get(f"{API}/{run.pk}").json()
    assert (entry["state"], entry["is_held"]) == ("done", True)
    assert entry["hold"]["reason"] == "Wait."
    assert [note["text"] for note in entry["notes"]] == ["Look."]
    assert [sample["project"] for sample in entry["samples"]] == ["Lake"] * 3
    assert entry["sample_count"] == 3
    assert [event["kind"] for event in entry["events"]] == [
        "note",
        "held",
        "state_changed",
    ]
    assert entry["read_structure"] == "151"
    assert entry["instrument"]["id"] == run.instrument_id
    assert client.get(entry["url"]).json()["id"] == run.pk


@pytest.mark.parametrize("pk", ["0", "12345", "99999999999999999999"])
def test_an_unknown_one_is_404(client: APIClient, pk: str) -> None:
    answer = client.get(f"{API}/{pk}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("name", ["runfolders", "samples", "instruments", "events"])
def test_a_list_takes_a_slash_at_its_end_and_redirects_nobody(
    client: APIClient, name: str
) -> None:
    for slash in ("", "/"):
        assert client.get(f"/api/{name}{slash}").status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_lists_are_for_reading(client: APIClient, method: str) -> None:
    for name in ("runfolders", "samples", "instruments", "events"):
        assert getattr(client, method)(f"/api/{name}").status_code == 405
