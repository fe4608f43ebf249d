"""Tokens, sessions and open networks, over HTTP."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from runfolders.models import Runfolder
from seqhub.conf import ApiSection
from seqhub.operations.api.authentication import FAILURES
from seqhub.operations.models import ApiToken, Event
from tests.clients import client_with, make_admin, make_user, token_of
from tests.factories import RunfolderFactory

pytestmark = pytest.mark.django_db

OURS = "/api/runfolders"
ARTERIA = "/api/1.0/runfolders"
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def get(path: str, authorization: str | None = None, **extra: Any) -> Any:
    client = APIClient()
    if authorization is not None:
        extra["HTTP_AUTHORIZATION"] = authorization
    return client.get(path, **extra)


@pytest.fixture
def token() -> str:
    return token_of(make_admin())


@pytest.fixture
def _open_to_the_lab(settings: Settings) -> None:
    section = ApiSection.model_validate({"open_to": ["10.1.0.0/16", "127.0.0.1"]})
    settings.CONFIG = settings.CONFIG.model_copy(update={"api": section})


@pytest.mark.parametrize("path", [OURS, ARTERIA])
def test_it_takes_a_token_as_bearer_or_basic(path: str, token: str) -> None:
    assert get(path, f"Bearer {token}").status_code == 200
    assert get(path, f"bearer  {token}").status_code == 200
    assert get(path, basic("@token", token)).status_code == 200


@pytest.mark.parametrize("path", [OURS, ARTERIA, "/api/events", "/metrics"])
def test_it_asks_for_a_token(path: str) -> None:
    answer = get(path)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_authenticated"
    assert "Bearer" in answer.json()["message"]


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer sqh_wrong",
        "Bearer",
        "Bearer \xe5\xff",
        "Token abc",
        "Negotiate abc",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        basic("@token", ""),
        basic("@token", "sqh_wrong"),
        basic("åsa", "sqh_wrong"),
    ],
)
@pytest.mark.parametrize("path", [OURS, ARTERIA])
def test_it_refuses_what_is_no_token(path: str, authorization: str) -> None:
    answer = get(path, authorization)
    assert answer.status_code == 401
    assert answer.json()["code"] == "authentication_failed"
    assert "oken" in answer.json()["message"]


def test_the_name_in_basic_must_say_that_a_token_follows(token: str) -> None:
    answer = get(OURS, basic("admin", token))
    assert answer.status_code == 401
    assert "@token" in answer.json()["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - dt.timedelta(seconds=1)},
    ],
)
def test_a_dead_token_is_refused(token: str, change: dict[str, object]) -> None:
    ApiToken.objects.update(**change)
    assert get(OURS, f"Bearer {token}").status_code == 401


def test_a_token_of_an_inactive_user_is_refused() -> None:
    user = make_admin()
    text = token_of(user)
    user.is_active = False
    user.save()
    assert get(OURS, f"Bearer {text}").status_code == 401


def test_many_wrong_tokens_are_told_to_slow_down(token: str) -> None:
    for _ in range(FAILURES):
        assert get(OURS, "Bearer sqh_wrong").status_code == 401
    answer = get(OURS, "Bearer sqh_wrong")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["code"] == "throttled"
    # Others behind the same address are not shut out, nor is another address.
    assert get(OURS, f"Bearer {token}").status_code == 200
    other = get(OURS, "Bearer sqh_wrong", REMOTE_ADDR="10.9.9.9")
    assert other.status_code == 401


@pytest.mark.usefixtures("_open_to_the_lab")
@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::ffff:10.1.2.3"])
def test_an_open_network_needs_no_token_for_the_old_interface(address: str) -> None:
    assert get(ARTERIA, REMOTE_ADDR=address).status_code == 200


@pytest.mark.usefixtures("_open_to_the_lab")
@pytest.mark.parametrize("authorization", ["Bearer dummy", "Basic Zm9vOmJhcg==", "x"])
def test_from_an_open_network_an_unknown_token_counts_as_none(
    authorization: str,
) -> None:
    for _ in range(FAILURES + 2):
        answer = get(ARTERIA, authorization, REMOTE_ADDR="10.1.2.3")
        assert answer.status_code == 200
    # Nor does it count as a wrong one.
    assert get(OURS, authorization, REMOTE_ADDR="10.1.2.3").status_code == 401


@pytest.mark.usefixtures("_open_to_the_lab")
@pytest.mark.parametrize("address", ["10.2.0.1", "::1", "", "unix:"])
def test_other_networks_need_a_token(address: str) -> None:
    assert get(ARTERIA, REMOTE_ADDR=address).status_code == 401


@pytest.mark.usefixtures("_open_to_the_lab")
@pytest.mark.parametrize(
    "path", [OURS, "/api/events", "/api/samples", "/api/instruments", "/metrics"]
)
def test_an_open_network_opens_nothing_else(path: str) -> None:
    assert get(path, REMOTE_ADDR="10.1.2.3").status_code == 401
    assert get(path, "Bearer dummy", REMOTE_ADDR="10.1.2.3").status_code == 401


@pytest.mark.usefixtures("_open_to_the_lab")
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        CROSS_SITE,
        {"Referer": "http://evil.example/"},
        # An image of a page that asks for no referrer, over plain HTTP.
        {"Accept": "image/webp,*/*;q=0.8", "Accept-Language": "sv"},
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_in_a_browser_there_gets_nothing_without_a_token(
    headers: dict[str, str], method: str
) -> None:
    client = APIClient(headers=headers, REMOTE_ADDR="10.1.2.3")
    for path in (ARTERIA, f"{ARTERIA}/pickup", f"{ARTERIA}/path/data/seq/RUN"):
        assert getattr(client, method)(path).status_code == 401


@pytest.mark.usefixtures("_open_to_the_lab")
def test_a_session_cookie_there_is_not_taken_for_an_open_network(
    settings: Settings,
) -> None:
    client = APIClient(REMOTE_ADDR="10.1.2.3")
    client.cookies[settings.SESSION_COOKIE_NAME] = "made-up"
    assert client.get(ARTERIA).status_code == 401


@pytest.mark.usefixtures("_open_to_the_lab")
def test_a_valid_token_counts_from_an_open_network_too() -> None:
    reader = client_with("read")
    answer = reader.get(f"{ARTERIA}/pickup", REMOTE_ADDR="10.1.2.3")
    assert answer.status_code == 403


def test_a_session_reads_and_writes_with_the_csrf_token() -> None:
    user = make_user(
        "runfolders.view_runfolder", "runfolders.change_root", is_staff=True
    )
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.get(OURS).status_code == 200
    refused = client.post("/api/scans")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["message"]
    client.get("/admin/")
    token = client.cookies["csrftoken"].value
    assert client.post("/api/scans", HTTP_X_CSRFTOKEN=token).status_code == 202


def test_pickup_takes_no_session() -> None:
    RunfolderFactory.create(complete=True)
    client = APIClient()
    client.force_login(make_admin())
    assert client.get(f"{ARTERIA}/next").status_code == 204
    assert client.get(f"{ARTERIA}/pickup").status_code == 401
    assert Runfolder.objects.get().state == "ready"


def test_a_token_costs_one_query_to_check(
    token: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    get("/api/1.0/admin/log_level", f"Bearer {token}")
    with django_assert_num_queries(1):
        get("/api/1.0/admin/log_level", f"Bearer {token}")


def test_changes_are_recorded_for_the_token_and_its_user() -> None:
    user = make_admin()
    client = client_with("write", user=user)
    client.put("/api/1.0/admin/log_level", {"log_level": "INFO"}, "json")
    event = Event.objects.get(kind="log_level_changed")
    assert (event.source, event.actor) == ("api", f"robot ({user.username})")


@pytest.mark.usefixtures("_open_to_the_lab")
def test_changes_from_an_open_network_are_recorded_for_its_address() -> None:
    client = APIClient(REMOTE_ADDR="10.1.2.3")
    client.put("/api/1.0/admin/log_level", {"log_level": "INFO"}, "json")
    event = Event.objects.get(kind="log_level_changed")
    assert (event.source, event.actor) == ("api", "open:10.1.2.3")
