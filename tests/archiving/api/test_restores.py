"""`/api/restores`: asking for runs, or files of them, and following it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from archiving.engine.members import Kind, Member
from archiving.models import Restore
from seqhub.operations.models import Event
from tests.archiving.api.conftest import ClientOf, WriteManifest
from tests.archiving.factories import ArchiveJobFactory, RestoreFactory

API = "/api/restores"
LATER = datetime(2100, 1, 1, tzinfo=UTC)
# Action -> the state that allows it, one that refuses it, the state afterwards.
ACTIONS = {
    "cancel": ("requested", "expired", "cancelled"),
    "retry": ("failed", "available", "requested"),
    "extend": ("available", "requested", "available"),
    # The files go soon, and the state with them.
    "expire": ("available", "requested", "available"),
}


@pytest.fixture
def target(sealing: Path) -> Path:
    """A directory below which may be restored."""
    return sealing.parent / "restored"


def ask(client: APIClient, **body: object) -> Any:
    return client.post(API, body, format="json")


def found(client: APIClient, **query: object) -> list[int]:
    answer = client.get(f"{API}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def test_a_run_is_asked_back(client: APIClient, target: Path) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    answer = ask(client, archive=job.pk, target=str(target), reason="For the paper.")
    assert answer.status_code == 201, answer.json()
    entry = answer.json()
    assert (entry["state"], entry["files"]) == ("requested", [])
    assert (entry["target"], entry["reason"]) == (str(target), "For the paper.")
    assert (entry["archive"]["id"], entry["archive"]["run"]) == (job.pk, job.run_name)
    assert entry["requested_by"].startswith("robot")
    assert client.get(entry["url"]).json() == entry
    assert "For the paper." in Event.objects.get(kind="restore_requested").message


def test_files_are_asked_back(
    client: APIClient, target: Path, write_manifest: WriteManifest
) -> None:
    job = ArchiveJobFactory.create(sealed=True, run_name="RUN")
    member = Member(b"RUN/a b", Kind.FILE, 0o644, 1, 0, sha256="a" * 64)
    write_manifest(job, [member])
    answer = ask(client, archive=job.pk, target=str(target), files=["RUN/a b"])
    assert answer.status_code == 201, answer.json()
    assert answer.json()["files"] == ["a b"]


@pytest.mark.parametrize(
    "place", ["/etc", "/", "relative", "{}/../arrived", "{}/..", "{}x", "{}/link", "~"]
)
def test_only_below_the_restore_roots(
    client: APIClient, target: Path, place: str
) -> None:
    (target / "link").symlink_to(target.parent)
    job = ArchiveJobFactory.create(sealed=True)
    answer = ask(client, archive=job.pk, target=place.format(target))
    assert (answer.status_code, answer.json()["code"]) == (400, "restore_refused")
    assert not Restore.objects.exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"archive": 12345}, 404),
        ({"archive": "x"}, 400),
        ({"archive": 2**63}, 400),
        ({"archive": None}, 400),
        ({"target": ""}, 400),
        ({"target": "a\0b"}, 400),
        ({"files": "RUN/a"}, 400),
        ({"files": [1, None]}, 400),
        ({"files": ["a"] * 10_001}, 400),
        ({"reason": "x" * 1_001}, 400),
    ],
)
def test_an_odd_request_is_refused_and_changes_nothing(
    client: APIClient, target: Path, change: dict[str, Any], status: int
) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    answer = ask(client, **{"archive": job.pk, "target": str(target), **change})
    assert answer.status_code == status
    assert {"code", "message", "detail"} == answer.json().keys()
    assert not Restore.objects.exists()


def test_what_is_not_sealed_can_not_be_restored(
    client: APIClient, target: Path
) -> None:
    job = ArchiveJobFactory.create()
    answer = ask(client, archive=job.pk, target=str(target))
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert not Restore.objects.exists()


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("viewer", ("read", "write")),
        ("operator", ("read", "write")),
        ("manager", ("read",)),
    ],
)
def test_restoring_takes_its_own_permission_and_the_scope_write(
    client_of: ClientOf, target: Path, role: str, scopes: tuple[str, ...]
) -> None:
    client = client_of(role, *scopes)
    row = RestoreFactory.create()
    calls = [ask(client, archive=row.job_id, target=str(target))]
    calls += [client.post(f"{API}/{row.pk}/{action}") for action in ACTIONS]
    for answer in calls:
        assert answer.status_code == 403
        assert answer.json()["code"] == "permission_denied"
    row.refresh_from_db()
    assert (row.state, Restore.objects.count()) == ("requested", 1)
    assert client.get(f"{API}/{row.pk}").status_code == 200


def test_a_manager_restores(client_of: ClientOf, target: Path) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    answer = ask(client_of("manager"), archive=job.pk, target=str(target))
    assert answer.status_code == 201


@pytest.mark.parametrize("action", ACTIONS)
def test_a_restore_is_changed(client: APIClient, target: Path, action: str) -> None:
    state, _, afterwards = ACTIONS[action]
    row = RestoreFactory.create(
        state=state,
        target=str(target),
        expires_at=LATER if state == "available" else None,
    )
    answer = client.post(f"{API}/{row.pk}/{action}", {"reason": "So."}, format="json")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["state"] == afterwards
    row.refresh_from_db()
    assert row.expires_at != LATER
    assert Event.objects.get(kind__startswith="restore_").message.endswith(" So.")


@pytest.mark.parametrize("action", ACTIONS)
def test_a_refused_change_is_409_and_changes_nothing(
    client: APIClient, action: str
) -> None:
    row = RestoreFactory.create(state=ACTIONS[action][1])
    before = Restore.objects.values().get()
    answer = client.post(f"{API}/{row.pk}/{action}")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert Restore.objects.values().get() == before


@pytest.mark.parametrize("pk", ["0", "12345", "9" * 20])
def test_an_unknown_one_is_404(client: APIClient, pk: str) -> None:
    assert client.get(f"{API}/{pk}").status_code == 404
    for action in ACTIONS:
        answer = client.post(f"{API}/{pk}/{action}")
        assert answer.status_code == 404
        assert answer.json()["code"].endswith("not_found")


def test_restores_are_found_by_what_they_are_of(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    one, other = RestoreFactory.create_batch(2, files=["RUN/a"] * 1_000)
    other.state, other.requested_by, other.host = "failed", "bert", "elsewhere"
    other.requested_at, other.code, other.message = LATER, "no_space", "Full."
    other.save()
    assert found(client) == [other.pk, one.pk]
    for query in (
        {"state": "failed"},
        {"archive": other.job_id},
        {"run": other.job.run_name},
        {"host": "elsewhere"},
        {"requested_by": "bert"},
        {"requested_after": "2099-01-01"},
    ):
        assert found(client, **query) == [other.pk]
    with django_assert_num_queries(3):  # the token, the count, the page
        [entry, _] = client.get(API).json()["results"]
    assert entry["error"]["message"] == "Full."
    assert "files" not in entry
