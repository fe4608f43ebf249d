"""Who may trace: checks 3, 4, 12 and 50, open networks, wrong tokens."""

from __future__ import annotations

import datetime as dt
from ipaddress import ip_network

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from pytest_django import Settings

from seqhub.operations.api.authentication import FAILURES
from seqhub.operations.models import ApiToken
from seqhub.operations.services.events import SYSTEM
from seqhub.operations.services.tokens import revoke_token
from tests.clients import make_user, token_of
from tests.turret.api.trace.wire import Wire, basic, batch, beginning, ending, task
from turret.choices import Status
from turret.models import Workflow, WorkflowTask

GARBLED = [
    "Basic !!!",
    "Basic",
    "Bearer",
    "Bearer wrong",
    "Digest abc",
    basic("wrong"),
    "Basic dXNlcjpwYXNz",  # user:pass
]


@pytest.mark.parametrize("authorization", ["", *GARBLED])
@pytest.mark.usefixtures("db")
def test_without_a_token_that_is_known_nothing_is_made(authorization: str) -> None:
    answer = Wire(authorization).create()
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert not Workflow.objects.exists()


def test_a_token_needs_the_scope(ann: User) -> None:
    answer = Wire(basic(token_of(ann, ["read", "write"]))).create()
    assert answer.status == 403
    assert "trace" in answer.message


@pytest.mark.parametrize(
    "changes",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - dt.timedelta(minutes=1)},
    ],
)
def test_a_dead_token_begins_nothing(
    wire: Wire, changes: dict[str, dt.datetime]
) -> None:
    ApiToken.objects.update(**changes)
    assert wire.create().status == 401


@pytest.mark.parametrize("end", ["revoked", "expired", "deleted", "user inactive"])
def test_a_token_that_has_ended_goes_on_with_its_own_run(
    wire: Wire, ann: User, end: str
) -> None:
    made = wire.created()
    other = Wire(basic(token_of(ann, ["trace"]))).created(sessionId="other")
    token = ApiToken.objects.order_by("pk")[0]
    match end:
        case "revoked":
            revoke_token(token.pk, actor=SYSTEM)
        case "expired":
            token.expires_at = timezone.now() - dt.timedelta(seconds=1)
            token.save()
        case "deleted":
            token.delete()
        case _:
            ann.is_active = False
            ann.save()
    cache.clear()
    assert wire.call(made, "begin", beginning()).status == 200
    assert wire.call(made, "progress", batch(task())).status == 200
    assert wire.call(made, "complete", ending()).status == 200
    assert Workflow.objects.get(workflow_id=made).status == Status.SUCCEEDED
    # But neither with a new one nor with another one of the same owner.
    assert wire.create(sessionId="third").status == 401
    assert wire.call(other, "progress", batch(task())).status == 401


def test_another_token_of_the_owner_may_go_on(wire: Wire, ann: User) -> None:
    made = wire.created()
    second = Wire(basic(token_of(ann, ["trace"])))
    assert second.call(made, "progress", batch(task())).status == 200


def test_another_user_may_not(wire: Wire) -> None:
    made = wire.created()
    other = Wire(basic(token_of(make_user(), ["trace"])))
    for verb in ("begin", "progress", "heartbeat", "complete"):
        assert other.call(made, verb, batch(task())).status == 404
    assert other.send("PATCH", f"/workflow/{made}", {}).status == 404
    assert not WorkflowTask.objects.exists()
    assert Workflow.objects.get().status == Status.SUBMITTED


def test_wrong_tokens_are_slowed_down_but_nobody_else(wire: Wire) -> None:
    wrong = Wire(basic("wrong"))
    statuses = [wrong.create().status for _ in range(FAILURES + 5)]
    assert statuses == [401] * FAILURES + [429] * 5
    # From the same address.
    made = wire.created()
    assert wire.call(made, "progress", batch(task())).status == 200


def test_a_token_is_looked_up_once_in_a_while(wire: Wire) -> None:
    made = wire.created()
    revoke_token(ApiToken.objects.get().pk, actor=SYSTEM)
    # For at most ten seconds; then the run goes on as its token's own.
    assert wire.call(made, "heartbeat", {}).status == 200
    assert wire.create(sessionId="other").status == 200
    cache.clear()
    assert wire.create(sessionId="third").status == 401


@pytest.fixture
def open_network(settings: Settings, db: None) -> None:
    api = settings.CONFIG.api.model_copy(
        update={"open_to": [ip_network("192.0.2.0/24")]}
    )
    settings.CONFIG = settings.CONFIG.model_copy(update={"api": api})


@pytest.mark.parametrize("authorization", ["", *GARBLED])
@pytest.mark.usefixtures("open_network")
def test_an_open_network_traces_without_a_token(authorization: str) -> None:
    client = Wire(authorization)
    made = client.created()
    assert client.call(made, "progress", batch(task())).status == 200
    row = Workflow.objects.get()
    assert (row.owner, row.token_digest, row.status) == (None, "", Status.RUNNING)


@pytest.mark.usefixtures("open_network")
def test_an_open_network_writes_to_nobodys_run(wire: Wire) -> None:
    made = wire.created()
    assert Wire().call(made, "progress", batch(task())).status == 404
    assert not WorkflowTask.objects.exists()


@pytest.mark.usefixtures("open_network")
def test_a_network_that_is_not_open_needs_a_token() -> None:
    assert Wire(address="198.51.100.7").create().status == 401


@pytest.mark.parametrize("header", ["HTTP_ORIGIN", "HTTP_REFERER", "HTTP_COOKIE"])
@pytest.mark.usefixtures("open_network")
def test_a_browser_in_an_open_network_needs_a_token(header: str) -> None:
    client = Wire(headers={header: "sessionid=x"})
    assert client.create().status == 401


@pytest.mark.usefixtures("open_network")
def test_a_proxy_that_is_not_ours_names_no_client() -> None:
    client = Wire(address="198.51.100.7", headers={"HTTP_X_FORWARDED_FOR": "192.0.2.7"})
    assert client.create().status == 401


def test_the_owner_of_a_token_is_told_who_that_is(ann: User) -> None:
    for scope in ("trace", "read"):
        for prefix in ("", "/api"):
            answer = Wire(basic(token_of(ann, [scope]))).send(
                "GET", f"{prefix}/user-info"
            )
            assert answer.status == 200
            assert answer.body["user"]["id"] == ann.pk
            assert answer.body["user"]["userName"] == ann.username
            assert answer.body["user"]["name"]
            assert answer.body["user"]["trusted"] is True
            assert answer.body["user"]["avatar"] is None


@pytest.mark.parametrize("authorization", ["", *GARBLED])
@pytest.mark.usefixtures("db")
def test_nobody_else_is(authorization: str) -> None:
    assert Wire(authorization).send("GET", "/user-info").status == 401


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.usefixtures("db")
def test_anybody_may_ask_what_this_is(prefix: str) -> None:
    answer = Wire().send("GET", f"{prefix}/service-info")
    assert answer.status == 200
    version = answer.body["serviceInfo"]["apiVersion"]
    assert [int(part) for part in version.split(".")] >= [1, 198, 0]
