"""Scopes of tokens, permissions of people."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from seqhub.operations.models import ApiToken
from tests.clients import client_with, make_user

pytestmark = pytest.mark.django_db

READ_CALLS = [
    "/api/runfolders",
    "/api/samples",
    "/api/instruments",
    "/api/events",
    "/api/archives",
    "/api/archives/keys",
    "/api/restores",
    "/api/1.0/runfolders",
    "/api/1.0/runfolders/next",
    "/api/1.0/admin/log_level",
    "/metrics",
]
WRITE_CALLS = [
    ("post", "/api/scans"),
    ("post", "/api/archives"),
    ("post", "/api/archives/7/hold"),
    ("post", "/api/restores"),
    ("get", "/api/1.0/runfolders/pickup"),
    ("post", "/api/1.0/runfolders/path/data/seq/RUN"),
    ("post", "/api/1.0/runfolders/data/seq/RUN"),
    ("put", "/api/1.0/runfolders/path/data/seq/RUN"),
    ("put", "/api/1.0/runfolders/test/markasready/path/data/seq/RUN"),
    ("put", "/api/1.0/admin/log_level"),
]


@pytest.mark.parametrize("path", READ_CALLS)
def test_reading_takes_the_scope_read(path: str) -> None:
    assert client_with("read").get(path).status_code in (200, 204)
    for scopes in (("write",), ("trace",)):
        answer = client_with(*scopes).get(path)
        assert answer.status_code == 403
        assert answer.json()["code"] == "permission_denied"
        assert "scope read" in answer.json()["message"]


@pytest.mark.parametrize(("method", "path"), WRITE_CALLS)
def test_changing_takes_the_scope_write(method: str, path: str) -> None:
    for scopes in (("read",), ("read", "trace")):
        answer = getattr(client_with(*scopes), method)(path)
        assert answer.status_code == 403
        assert "scope write" in answer.json()["message"]
    assert getattr(client_with("write"), method)(path).status_code not in (401, 403)


@pytest.mark.parametrize("path", READ_CALLS)
def test_a_token_reads_no_more_than_its_user(path: str) -> None:
    answer = client_with("read", user=make_user()).get(path)
    assert answer.status_code == 403
    assert "lacks the permission" in answer.json()["message"]


@pytest.mark.parametrize(("method", "path"), WRITE_CALLS)
def test_a_token_changes_no_more_than_its_user(method: str, path: str) -> None:
    viewer = make_user("runfolders.view_runfolder", is_staff=True)
    answer = getattr(client_with("read", "write", user=viewer), method)(path)
    assert answer.status_code == 403
    assert "lacks the permission" in answer.json()["message"]


def test_a_service_account_needs_no_access_to_the_console() -> None:
    user = make_user("runfolders.view_runfolder")
    assert client_with("read", user=user).get("/api/runfolders").status_code == 200


def test_a_token_of_a_launch_works_for_that_launch_only() -> None:
    client = client_with("read", "write", "trace")
    ApiToken.objects.update(bound_to="launch:7")
    answer = client.get("/api/runfolders")
    assert answer.status_code == 403
    assert "launch:7" in answer.json()["message"]


def test_a_viewer_reads_with_a_session_and_changes_nothing() -> None:
    client = APIClient()
    client.force_login(make_user("runfolders.view_runfolder", is_staff=True))
    assert client.get("/api/runfolders").status_code == 200
    assert client.get("/api/1.0/runfolders").status_code == 200
    assert client.post("/api/scans").status_code == 403
    path = "/api/1.0/runfolders/path/data/seq/RUN"
    assert client.post(path, {"state": "done"}, format="json").status_code == 403


def test_a_session_of_somebody_who_is_not_staff_reads_nothing() -> None:
    client = APIClient()
    client.force_login(make_user("runfolders.view_runfolder"))
    assert client.get("/api/runfolders").status_code == 403
