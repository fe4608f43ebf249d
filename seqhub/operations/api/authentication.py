"""Who calls: a token's owner, a signed-in person, or an open network."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from seqhub.operations.choices import Source
from seqhub.operations.models import ApiToken
from seqhub.operations.services.events import Actor
from seqhub.operations.services.tokens import find_token

logger = logging.getLogger(__name__)

BASIC_USER = "@token"
# So many wrong tokens a client address may send within the window before it
# is told to slow down.
FAILURES = 30
WINDOW_S = 60

SENT_BY_BROWSERS = (
    "HTTP_ORIGIN",
    "HTTP_REFERER",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_SEC_FETCH_SITE",
    "HTTP_SEC_FETCH_MODE",
)

UNKNOWN = (
    "The token is unknown, expired or revoked. Send one that "
    "`seqhub token create` or the console has made."
)
MALFORMED = (
    "Send `Authorization: Bearer <token>`, or Basic with the user name "
    f"{BASIC_USER} and the token as password."
)


@dataclass(frozen=True, slots=True)
class OpenNetwork:
    """`request.auth` of a caller without a token, from `api.open_to`."""

    address: str


# `request.user` and `request.auth`.
Caller = tuple[AbstractBaseUser | AnonymousUser, ApiToken | OpenNetwork]


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, or `Basic` with user `@token`.

    A wrong token is 401, and 429 after FAILURES of them. A valid one is never
    refused for what others at the same address send; tokens are too long to be
    guessed, the limit keeps a mistaken client from filling the log.
    """

    def authenticate(self, request: Request) -> Caller | None:
        if "HTTP_AUTHORIZATION" not in request.META:
            return None
        text = token_in(request)
        token = find_token(text) if text else None
        if token is None:
            count_failure(client_address(request))
            raise AuthenticationFailed(UNKNOWN if text else MALFORMED)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        # Not Basic: a browser would ask for a password.
        return 'Bearer realm="SeqHub"'


class OpenTokenAuthentication(TokenAuthentication):
    """The same, for the paths that `api.open_to` covers.

    From there a token is optional, and an unknown one counts as none: clients
    of the old services send dummies.
    """

    def authenticate(self, request: Request) -> Caller | None:
        if not is_from_open_network(request):
            return super().authenticate(request)
        text = token_in(request)
        token = find_token(text) if text else None
        if token is None:
            return AnonymousUser(), OpenNetwork(client_address(request))
        return token.user, token


def token_in(request: Request | HttpRequest) -> str:
    """The token that the Authorization header holds; empty if it holds none."""
    header = str(request.META.get("HTTP_AUTHORIZATION", ""))
    scheme, _, value = header.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() != "basic":
        return ""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    user, _, token = text.partition(":")
    return token if user == BASIC_USER else ""


def client_address(request: Request | HttpRequest) -> str:
    """The caller's address, as seqhub.proxies believes it; may be empty."""
    return str(request.META.get("REMOTE_ADDR", ""))


def is_from_open_network(request: Request | HttpRequest) -> bool:
    """Whether `api.open_to` lets this request in without a token.

    Never what a browser sends for a page: any page on the web could make the
    browser of somebody inside the network call us.
    """
    headers = request.META
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        return False
    # A page's <img> sends no Origin, and Sec-Fetch-* only where TLS is; browsers
    # say the languages of their user with everything, programs don't.
    if any(name in headers for name in SENT_BY_BROWSERS):
        return False
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return False
    # A socket that listens on both families shows IPv4 peers as ::ffff:10.0.0.1.
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in _open_networks())


def _open_networks() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return list(settings.CONFIG.api.open_to)


def actor_of(request: Request) -> Actor:
    """Who a change through the API is recorded for."""
    auth = request.auth
    if isinstance(auth, ApiToken):
        return Actor(Source.API, f"{auth.name} ({request.user.get_username()})"[:150])
    if isinstance(auth, OpenNetwork):
        return Actor(Source.API, f"open:{auth.address}")
    return Actor(Source.API, request.user.get_username())


def count_failure(address: str) -> None:
    """Note a wrong token. Raises Throttled when `address` has sent too many."""
    key = f"wrong-tokens:{address}"
    cache.add(key, 0, WINDOW_S)
    try:
        count = cache.incr(key)
    except ValueError:  # it has just expired
        return
    if count > FAILURES:
        raise Throttled(WINDOW_S, "Too many wrong tokens from this address.")
    logger.warning("Wrong token from %s.", address or "an unknown address")
