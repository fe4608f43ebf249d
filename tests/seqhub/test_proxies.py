from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

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
        ("", PROXY),
        ("not an address", PROXY),
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(
    forwarded: str, client: str
) -> None:
    assert passed_on(PROXY, For=forwarded).META["REMOTE_ADDR"] == client
