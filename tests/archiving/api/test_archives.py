"""`/api/archives`: the list with its filters, and one archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from archiving.models import ArchiveJob
from tests.archiving.api.conftest import ClientOf
from tests.archiving.factories import (
    ArchiveJobFactory,
    AttemptFactory,
    CopyFactory,
    RecipientFactory,
    VerificationFactory,
)
from tests.clients import client_with, make_user
from tests.factories import RunfolderFactory

API = "/api/archives"
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
LAST = datetime(2024, 6, 1, 12, 30, tzinfo=UTC)
OLD_NAMES = {
    "_id",
    "status",
    "path",
    "created_at",
    "updated_at",
    "worker_id",
    "failure_count",
}


@pytest.fixture
def pair(db: None) -> tuple[ArchiveJob, ArchiveJob]:
    """Two archives that differ in everything."""
    sealed = ArchiveJobFactory.create(
        sealed=True,
        run_name="240101_A00834_0001_AHAAA",
        created_at=FIRST,
        updated_at=FIRST,
        sealed_at=FIRST,
        runfolder=RunfolderFactory.create(pk=77),
    )
    sealed.recipients.add(RecipientFactory.create(fingerprint="AB" * 20))
    stuck = ArchiveJobFactory.create(
        run_name="20240601_AV2_run",
        sequencer="AV2",
        host="elsewhere",
        status="failed",
        held_at=LAST,
        code="no_space",
        message="The destination is full.",
        created_at=LAST,
        updated_at=LAST,
    )
    return sealed, stuck


def found(client: APIClient, **query: object) -> list[int]:
    answer = client.get(f"{API}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "encrypted"},
        {"status": ["encrypted", "processing"], "held": "false"},
        {"verification": "verified"},
        {"run": "240101_A00834_0001_AHAAA"},
        {"run": "A00834/240101_A00834_0001_AHAAA"},
        {"run": "/data/seq/240101_A00834_0001_AHAAA"},
        {"runfolder": "77"},
        {"sequencer": "A00834"},
        {"host": "testhost"},
        {"recipient": "ab" * 20},
        {"created_before": "2024-03-01"},
        {"updated_before": "2024-03-01"},
        {"sealed_after": "2023-12-31T00:00:00Z", "sealed_before": "2024-01-02"},
        {"q": "ahaaa"},
    ],
)
def test_a_filter_finds_what_matches_only(
    client: APIClient, pair: tuple[ArchiveJob, ArchiveJob], query: dict[str, Any]
) -> None:
    assert found(client, **query) == [pair[0].pk]


@pytest.mark.parametrize(
    "query",
    [
        {"held": "true"},
        {"code": "no_space"},
        {"created_after": "2024-03-01"},
        {"updated_after": "2024-03-01"},
        {"q": "is full"},
    ],
)
def test_the_other_one_is_found_as_well(
    client: APIClient, pair: tuple[ArchiveJob, ArchiveJob], query: dict[str, Any]
) -> None:
    assert found(client, **query) == [pair[1].pk]


def test_a_list_is_ordered_as_asked(
    client: APIClient, pair: tuple[ArchiveJob, ArchiveJob]
) -> None:
    first, last = (job.pk for job in pair)
    assert found(client) == [last, first]
    assert found(client, ordering="created_at") == [first, last]
    assert found(client, ordering="run_name") == [last, first]
    assert found(client, ordering="-run_name") == [first, last]


@pytest.mark.parametrize(
    "query",
    ["ordering=wrapped_key", "status=sealed", "created_after=soon", "run=%00"],
)
def test_an_odd_filter_is_refused(client: APIClient, query: str) -> None:
    answer = client.get(f"{API}?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"


def test_pages_of_equal_rows_never_overlap(client: APIClient) -> None:
    ArchiveJobFactory.create_batch(5, created_at=FIRST)
    seen: list[int] = []
    url = f"{API}?limit=2&ordering=created_at"
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) == 5


def test_a_script_that_read_couchdb_finds_its_fields(
    client: APIClient,
) -> None:
    job = ArchiveJobFactory.create(
        status="processing",
        created_at=FIRST,
        updated_at=LAST,
        worker_id="testhost:1:ab",
        failure_count=2,
    )
    with timezone.override("Europe/Stockholm"):
        document = client.get(f"{API}/by-run/{job.run_name}").json()
    assert {name: document[name] for name in OLD_NAMES} == {
        "_id": job.run_name,
        "status": "processing",
        "path": job.path,
        "created_at": "2024-01-01T00:00:00+00:00",
        "updated_at": "2024-06-01T12:30:00+00:00",
        "worker_id": "testhost:1:ab",
        "failure_count": 2,
    }


def test_an_archive_is_found_by_its_run(client: APIClient) -> None:
    one, other = (
        ArchiveJobFactory.create(
            run_name="RUN", sequencer=name, name=f"{name}__RUN", path=f"/seq/{name}/RUN"
        )
        for name in ("A1", "A2")
    )
    for word in ("A1/RUN", "A1__RUN", "/seq/A1/RUN"):
        assert client.get(f"{API}/by-run/{quote(word)}").json()["id"] == one.pk
    answer = client.get(f"{API}/by-run/RUN")
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_run")
    assert answer.json()["detail"]["candidates"] == [one.path, other.path]


@pytest.mark.parametrize("word", ["NOT_THERE", "%00", "%C3%28", "a/b/c"])
def test_an_unknown_run_is_404(client: APIClient, word: str) -> None:
    answer = client.get(f"{API}/by-run/{word}")
    assert (answer.status_code, answer.json()["code"]) == (404, "archive_not_found")


def test_a_sealed_one_says_where_it_is(client: APIClient) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    entry = client.get(f"{API}/{job.pk}").json()
    assert entry["archive"] == {
        "path": f"/data/archive/{job.name}.tar.gpg",
        "bytes": 1_234,
        "sha256": "a" * 64,
    }
    assert entry["key_path"] == f"/data/keys/{job.name}.key.gpg"
    assert (entry["verification"], entry["held"]) == ("verified", False)
    assert entry["error"] is None
    assert entry["progress"] is None
    assert client.get(entry["url"]).json()["id"] == job.pk


def test_a_failed_one_says_what_to_do(client: APIClient) -> None:
    job = ArchiveJobFactory.create(
        status="failed", code="no_space", message="Too big.", next_step="Free space."
    )
    entry = client.get(f"{API}/{job.pk}").json()
    assert entry["archive"] is None
    assert entry["error"] == {
        "code": "no_space",
        "message": "Too big.",
        "next_step": "Free space.",
    }


def test_a_running_one_says_how_far_it_is(client: APIClient) -> None:
    ArchiveJobFactory.create(
        status="processing",
        worker_id="testhost:1:ab",
        stage="sealing",
        bytes_done=250,
        bytes_total=1_000,
        files_done=1,
        rate_bytes_s=75.0,
    )
    [entry] = client.get(API).json()["results"]
    assert entry["progress"] == {
        "stage": "sealing",
        "percent": 25,
        "bytes_done": 250,
        "bytes_total": 1_000,
        "files_done": 1,
        "files_total": None,
        "rate_bytes_s": 75,
        "eta_s": 10,
    }


def test_one_archive_shows_everything(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = ArchiveJobFactory.create(
        sealed=True, held_at=LAST, held_by="anna", held_reason="Wait."
    )
    for number in range(1, 8):
        AttemptFactory.create(
            job=job, number=number, traceback="Traceback (most recent"
        )
        VerificationFactory.create(
            job=job,
            state="damaged",
            ended_at=LAST,
            requested_at=FIRST + timedelta(days=number),
            findings=[{"fault": "archive_size", "message": "Cut.", "name": ""}],
            findings_count=1,
            checked=["its size"],
        )
    CopyFactory.create(job=job, place="tape", state="stored")
    job.recipients.set(RecipientFactory.create_batch(2))
    client.get(f"{API}/{job.pk}")
    # The token, the archive, and the four lists below.
    with django_assert_num_queries(6):
        answer = client.get(f"{API}/{job.pk}")
    entry = answer.json()
    assert [attempt["number"] for attempt in entry["attempts"]] == [7, 6, 5, 4, 3]
    assert len(entry["verifications"]) == 5
    assert entry["verifications"][0]["findings"][0]["fault"] == "archive_size"
    assert [copy["place"] for copy in entry["copies"]] == ["tape"]
    assert len(entry["recipients"]) == 2
    assert entry["hold"] == {
        "reason": "Wait.",
        "held_by": "anna",
        "held_at": "2024-06-01T12:30:00+00:00",
    }
    assert b"wrapped" not in answer.content
    assert b"Traceback" not in answer.content


@pytest.mark.parametrize("name", ["attempts", "verifications"])
def test_all_attempts_and_verifications_are_listed(
    client: APIClient, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    for number in range(1, 8):
        AttemptFactory.create(job=job, number=number)
        VerificationFactory.create(job=job, state="ok")
    AttemptFactory.create()
    VerificationFactory.create()
    client.get(API)
    with django_assert_num_queries(4):  # the token, the archive, the count, the page
        page = client.get(f"{API}/{job.pk}/{name}").json()
    assert page["count"] == len(page["results"]) == 7
    assert client.get(f"{API}/{job.pk}/{name}/").json() == page
    assert client.get(f"{API}/0/{name}").status_code == 404


@pytest.mark.parametrize("may_see", [True, False])
def test_logs_are_for_those_who_may_see_attempts(db: None, may_see: bool) -> None:
    permissions = ["archiving.view_archivejob"]
    permissions += ["archiving.view_archiveattempt"] * may_see
    client = client_with("read", user=make_user(*permissions))
    job = AttemptFactory.create(log_tail="tar: I am unwell").job
    assert "unwell" not in client.get(f"{API}/{job.pk}").content.decode()
    listed = client.get(f"{API}/{job.pk}/attempts")
    assert (
        (listed.status_code == 200) == ("unwell" in listed.content.decode()) == may_see
    )


def test_a_list_takes_the_same_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(2):
        ArchiveJobFactory.create_batch(1 + 20 * number, sealed=True)
        client.get(API)
        with django_assert_num_queries(3):  # the token, the count, the page
            client.get(API)


def test_an_ignored_one_is_not_listed_but_known(client: APIClient) -> None:
    job = ArchiveJobFactory.create(ignored_at=LAST)
    assert found(client) == []
    assert client.get(f"{API}/{job.pk}").json()["ignored_at"] is not None


@pytest.mark.parametrize("pk", ["0", "12345", "99999999999999999999"])
@pytest.mark.parametrize("rest", ["", "/attempts", "/manifest", "/key"])
def test_an_unknown_one_is_404(client: APIClient, pk: str, rest: str) -> None:
    answer = client.get(f"{API}/{pk}{rest}")
    assert (answer.status_code, answer.json()["code"]) == (404, "archive_not_found")


@pytest.mark.parametrize("name", ["archives", "archives/keys", "restores"])
def test_a_list_takes_a_slash_at_its_end_and_redirects_nobody(
    client: APIClient, name: str
) -> None:
    for slash in ("", "/"):
        assert client.get(f"/api/{name}{slash}").status_code == 200


def test_a_person_browses_the_archives(client_of: ClientOf) -> None:
    client = client_of("viewer", "read")
    job = ArchiveJobFactory.create(sealed=True)
    for path in (API, f"{API}/{job.pk}", "/api/restores", f"{API}/keys"):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/html")
