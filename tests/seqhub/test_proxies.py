from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import Settings
from rest_framework.test import APIClient

from seqhub.proxies import TrustedProxies

PROXY = "10.0.0.1"
CLIENT = "192.0.2.7"


def passed_on(peer: str, **headers: str) -> HttpRequest:
    """The request as what comes after the middleware sees it."""
    seen: list[HttpRequest] = []

    def get_response(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    middleware = TrustedProxies(get_response)
    middleware.proxies = [ip_network("10.0.0.0/8")]
    request = RequestFactory().get(
        "/",
        headers={f"X-Forwarded-{name}": value for name, value in headers.items()},
        REMOTE_ADDR=peer,
    )
    middleware(request)
    return seen[0]


def test_a_trusted_proxy_names_client_scheme_and_host() -> None:
    request = passed_on(PROXY, For=CLIENT, Proto="https", Host="seqhub.example.org")
    assert request.META["REMOTE_ADDR"] == CLIENT
    assert request.is_secure()
    assert request.META["HTTP_HOST"] == "seqhub.example.org"


def test_nobody_else_does() -> None:
    request = passed_on(CLIENT, For=PROXY, Proto="https", Host="seqhub.example.org")
    assert request.META["REMOTE_ADDR"] == CLIENT
    assert not request.is_secure()
    assert request.META.get("HTTP_HOST") != "seqhub.example.org"
    assert not [name for name in request.META if name.startswith("HTTP_X_FORWARDED")]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        # What the client wrote itself stands first.
        (f"127.0.0.1, {CLIENT}", CLIENT),
        # A chain of proxies of ours.
        (f"{CLIENT}, 10.0.0.9", CLIENT),
        ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
        # With a port or in brackets.
        (f"{CLIENT}:4711", CLIENT),
        (f"{CLIENT}, 10.0.0.9:80", CLIENT),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.7", CLIENT),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(
    forwarded: str, client: str
) -> None:
    assert passed_on(PROXY, For=forwarded).META["REMOTE_ADDR"] == client


@pytest.mark.parametrize("peer", [PROXY, f"::ffff:{PROXY}"])
@pytest.mark.parametrize(
    "forwarded",
    [
        None,
        "",
        "unknown",
        "_hidden",
        f"{CLIENT},",
        f"{CLIENT}, unknown",
        "unknown, 10.0.0.9",
        "[2001:db8::1",
        "192.0.2.300:4711",
        "[]",
    ],
)
def test_a_caller_whom_a_proxy_does_not_name_has_no_address(
    peer: str, forwarded: str | None
) -> None:
    headers = {} if forwarded is None else {"For": forwarded}
    assert passed_on(peer, **headers).META["REMOTE_ADDR"] == ""


@pytest.mark.django_db
def test_a_proxy_that_names_nobody_opens_nothing_but_health(
    settings: Settings,
) -> None:
    config = settings.CONFIG
    server = config.server.model_copy(
        update={"trusted_proxies": [ip_network("10.0.0.1")]}
    )
    api = config.api.model_copy(update={"open_to": [ip_network("10.0.0.0/8")]})
    settings.CONFIG = config.model_copy(update={"server": server, "api": api})
    client = APIClient(REMOTE_ADDR=PROXY)
    old = "/api/1.0/runfolders"
    assert client.get(old, HTTP_X_FORWARDED_FOR="10.3.4.5").status_code == 200
    assert client.get(old).status_code == 401
    assert client.get(old, HTTP_AUTHORIZATION="Bearer wrong").status_code == 401
    assert client.get("/healthz").status_code == 200
