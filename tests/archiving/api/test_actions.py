"""What people have done to archives over the API."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from archiving.models import ArchiveJob, Verification
from seqhub.operations.models import Event
from tests.archiving.api.conftest import ClientOf
from tests.archiving.factories import ArchiveJobFactory

API = "/api/archives"
# Action -> the archive that allows it, one that refuses it, and what changes.
ACTIONS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "retry": ({"status": "failed"}, {"sealed": True}, {"status": "pending"}),
    "hold": ({}, {"held_at": "2024-01-01T00:00Z"}, {"held": True}),
    "release": ({"held_at": "2024-01-01T00:00Z"}, {}, {"held": False}),
    "cancel": ({"status": "processing"}, {}, {"status": "processing"}),
    "reseal": ({"sealed": True}, {}, {"status": "pending"}),
    "ignore": ({}, {"ignored_at": "2024-01-01T00:00Z"}, {}),
    "unignore": ({"ignored_at": "2024-01-01T00:00Z"}, {}, {"ignored_at": None}),
}


def act(client: APIClient, job: ArchiveJob, action: str, **body: object) -> Any:
    return client.post(f"{API}/{job.pk}/{action}", body, format="json")


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_changes_the_archive_and_is_recorded(
    client: APIClient, action: str
) -> None:
    fields, _, changed = ACTIONS[action]
    job = ArchiveJobFactory.create(**fields)
    answer = act(client, job, action, reason="As agreed.")
    assert answer.status_code == 200
    entry = answer.json()
    assert entry["id"] == job.pk
    assert {name: entry[name] for name in changed} == changed
    event = Event.objects.get(subject=job.subject)
    assert event.message.endswith("As agreed.")
    assert (event.source, event.actor.split()[0]) == ("api", "robot")


@pytest.mark.parametrize("action", ACTIONS)
def test_a_refused_action_is_409_and_changes_nothing(
    client: APIClient, action: str
) -> None:
    job = ArchiveJobFactory.create(**ACTIONS[action][1])
    before = ArchiveJob.objects.filter(pk=job.pk).values().get()
    answer = act(client, job, action)
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert ArchiveJob.objects.filter(pk=job.pk).values().get() == before
    assert not Event.objects.filter(subject=job.subject).exists()


@pytest.mark.parametrize("action", [*ACTIONS, "verify"])
def test_an_unknown_archive_is_404(client: APIClient, action: str) -> None:
    for pk in (0, 12345, "9" * 20):
        answer = client.post(f"{API}/{pk}/{action}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "archive_not_found"


@pytest.mark.parametrize("action", [*ACTIONS, "verify"])
@pytest.mark.parametrize(
    ("role", "scopes"), [("viewer", ("read", "write")), ("operator", ("read",))]
)
def test_who_may_not_act_changes_nothing(
    client_of: ClientOf, action: str, role: str, scopes: tuple[str, ...]
) -> None:
    fields = ACTIONS.get(action, ({"sealed": True}, {}, {}))[0]
    job = ArchiveJobFactory.create(**fields)
    before = ArchiveJob.objects.filter(pk=job.pk).values().get()
    answer = act(client_of(role, *scopes), job, action)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert ArchiveJob.objects.filter(pk=job.pk).values().get() == before
    assert not Verification.objects.exists()


@pytest.mark.parametrize("role", ["operator", "manager"])
def test_operators_and_managers_act(client_of: ClientOf, role: str) -> None:
    client = client_of(role)
    assert act(client, ArchiveJobFactory.create(), "hold").status_code == 200
    job = ArchiveJobFactory.create(sealed=True)
    assert act(client, job, "verify").status_code == 202


@pytest.mark.parametrize(
    "body", [[], "x", {"reason": ["a"]}, {"reason": "x" * 1001}, {"reason": "\0"}]
)
def test_an_odd_body_is_400_and_changes_nothing(client: APIClient, body: Any) -> None:
    job = ArchiveJobFactory.create()
    answer = client.post(f"{API}/{job.pk}/hold", body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    job.refresh_from_db()
    assert job.held_at is None


def test_an_action_needs_no_body(client: APIClient) -> None:
    job = ArchiveJobFactory.create()
    assert client.post(f"{API}/{job.pk}/hold").status_code == 200
    assert client.get(f"{API}/{job.pk}/hold").status_code == 405


def test_a_verification_is_asked_for(client: APIClient) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    body = {"depth": "full", "with_source": True, "deep": True}
    answer = act(client, job, "verify", **body)
    assert answer.status_code == 202
    entry = answer.json()
    assert (entry["state"], entry["depth"]) == ("requested", "full")
    row = Verification.objects.get(pk=entry["id"])
    assert (row.job_id, row.with_source, row.is_deep) == (job.pk, True, True)
    assert row.requested_by.startswith("robot")
    [listed] = client.get(f"{API}/{job.pk}/verifications").json()["results"]
    assert listed == entry


@pytest.mark.parametrize(
    "body", [{"depth": "seal"}, {"depth": "drill"}, {"deep": True}, {"deep": "often"}]
)
def test_an_odd_depth_is_refused(client: APIClient, body: dict[str, Any]) -> None:
    answer = act(client, ArchiveJobFactory.create(sealed=True), "verify", **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert not Verification.objects.exists()
