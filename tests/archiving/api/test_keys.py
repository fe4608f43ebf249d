"""Who can open what, and the wrapped keys."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from tests.archiving.api.conftest import ClientOf
from tests.archiving.factories import ArchiveJobFactory, RecipientFactory

API = "/api/archives"


def test_the_inventory_says_who_can_open_what(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    good = RecipientFactory.create(has_secret_key=True)
    old = RecipientFactory.create(
        is_configured=False, problem="recipient_expired", next_step="Rewrap."
    )
    for _ in range(3):
        ArchiveJobFactory.create(sealed=True).recipients.add(good)
    both = ArchiveJobFactory.create(sealed=True)
    both.recipients.add(good, old)
    client.get(API)
    with django_assert_num_queries(3):  # the token, the count, the page
        rows = client.get(f"{API}/keys/").json()["results"]
    assert [(row["fingerprint"], row["archive_count"]) for row in rows] == [
        (good.fingerprint, 4),
        (old.fingerprint, 1),
    ]
    assert rows[1]["problem"] == "recipient_expired"
    found = client.get(f"{API}?recipient={old.fingerprint}").json()["results"]
    assert [row["id"] for row in found] == [both.pk]
    for query in ("configured=false", "problem=recipient_expired"):
        [row] = client.get(f"{API}/keys?{query}").json()["results"]
        assert row["fingerprint"] == old.fingerprint


def test_a_wrapped_key_is_handed_out_as_it_is(client_of: ClientOf) -> None:
    key = bytes(range(256))
    job = ArchiveJobFactory.create(sealed=True, wrapped_key=key, name="RÖN")
    client = client_of("manager", "read")
    for accept in ("*/*", "application/octet-stream", "application/json"):
        answer = client.get(f"{API}/{job.pk}/key", headers={"Accept": accept})
        assert answer.content == key
        assert answer["Content-Type"] == "application/pgp-encrypted"
    assert "R%C3%96N.key.gpg" in answer["Content-Disposition"]


def test_an_archive_without_a_key_is_404(client: APIClient) -> None:
    answer = client.get(f"{API}/{ArchiveJobFactory.create().pk}/key")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("role", "scope"), [("viewer", "read"), ("operator", "read"), ("manager", "write")]
)
def test_a_key_is_for_who_may_restore(
    client_of: ClientOf, role: str, scope: str
) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    answer = client_of(role, scope).get(f"{API}/{job.pk}/key")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert b"wrapped" not in answer.content
