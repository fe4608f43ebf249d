"""`/api/samples`, `/api/instruments`, `/api/events`, `/api/scans`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from runfolders.services.states import set_state
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import InstrumentFactory, RunfolderFactory, SampleFactory


def results(client: APIClient, name: str, /, **query: object) -> list[dict[str, Any]]:
    answer = client.get(f"/api/{name}?{urlencode(query)}")
    assert answer.status_code == 200, answer.json()
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_which_run_folders_hold_a_sample(client: APIClient) -> None:
    old, new = RunfolderFactory.create_batch(2)
    for run in (old, new):
        SampleFactory.create(runfolder=run, sample_id="S1", name="Liver")
    SampleFactory.create(runfolder=new, sample_id="S10", name="Livers")
    for name in ("S1", "Liver"):
        rows = results(client, "samples", name=name)
        assert [row["runfolder"]["name"] for row in rows] == [new.name, old.name]
    assert len(results(client, "samples", text="liver")) == 3
    assert len(results(client, "samples", runfolder=old.pk)) == 1
    assert results(client, "samples", name="s") == []
    url = results(client, "samples", name="S10")[0]["runfolder"]["url"]
    assert client.get(url).json()["id"] == new.pk


def test_samples_of_ignored_run_folders_are_hidden(client: APIClient) -> None:
    ignored = RunfolderFactory.create(ignored_at="2024-01-01T00:00Z")
    SampleFactory.create(runfolder=ignored)
    assert results(client, "samples") == []


def test_an_instrument_tells_how_many_run_folders_it_wrote(client: APIClient) -> None:
    busy, idle = InstrumentFactory.create_batch(2)
    RunfolderFactory.create(instrument=busy, ignored_at="2024-01-01T00:00Z")
    runs = RunfolderFactory.create_batch(2, instrument=busy)
    rows = {row["id"]: row for row in results(client, "instruments")}
    assert rows[busy.pk]["runfolder_count"] == 2
    assert rows[busy.pk]["last_seen_at"][:19] == runs[1].first_seen_at.isoformat()[:19]
    assert rows[idle.pk]["runfolder_count"] == 0
    assert rows[idle.pk]["last_seen_at"] is None
    assert [
        row["id"] for row in results(client, "instruments", serial=idle.serial)
    ] == [idle.pk]


def test_events_are_found_by_what_they_are_about(client: APIClient) -> None:
    one, other = RunfolderFactory.create_batch(2)
    set_state(one.pk, "done", actor=Actor("console", "anna"))
    set_state(other.pk, "error", actor=Actor("api", "lims"), reason="No space.")
    [event] = results(client, "events", runfolder=one.pk)
    assert (event["subject"], event["actor"]) == (f"runfolder:{one.pk}", "anna")
    for query in (
        {"subject": f"runfolder:{other.pk}"},
        {"actor": "lims"},
        {"text": "no space"},
        {"source": "api", "kind": "state_changed"},
        {"runfolder": other.pk, "after": "2020-01-01", "before": "2100-01-01"},
    ):
        [event] = results(client, "events", **query)
        assert event["runfolder_name"] == other.name


@pytest.mark.parametrize("name", ["samples", "instruments", "events"])
def test_a_list_takes_the_same_queries_however_long(
    client: APIClient, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        for run in RunfolderFactory.create_batch(1 + 20 * number):
            SampleFactory.create(runfolder=run)
            set_state(run.pk, "done", actor=Actor("api", "lims"))
        client.get(f"/api/{name}")
        with django_assert_num_queries(3):  # the token, the count, the page
            assert len(results(client, name)) >= 1 + 20 * number


@pytest.mark.parametrize("path", ["/api/scans", "/api/scans/"])
def test_a_scan_is_asked_for(client: APIClient, path: str) -> None:
    answer = client.post(path)
    assert answer.status_code == 202
    assert answer.json()["host"] == "testhost"
    assert OrmQ.objects.get().key == "local-testhost"
    assert Event.objects.get(kind="scan_requested").actor.startswith("robot (")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_scan_needs_no_body(client: APIClient, kind: str) -> None:
    assert client.generic("POST", "/api/scans", "x=1", kind).status_code == 202
