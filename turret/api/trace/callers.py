"""Who sends a trace: a token's owner, a token that has ended, an open network."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    PermissionDenied,
)

from seqhub.operations.api.authentication import (
    MALFORMED,
    UNKNOWN,
    client_address,
    count_failure,
    is_from_open_network,
    token_in,
)
from seqhub.operations.choices import Scope
from seqhub.operations.models import ApiToken
from seqhub.operations.services.tokens import digest_of, find_token
from turret.models import Workflow
from turret.services.callers import Caller

# How long a process may go by what it knows of a token.
KNOWN_FOR_S = 10


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of a live token."""

    user_id: int
    may_trace: bool
    bound_to: str


def caller_of(request: HttpRequest, workflow_id: str) -> Caller:
    """The caller of a call on that workflow; `workflow_id` is empty in a create.

    A token that was revoked, has expired or was deleted goes on with what it has
    made; its Caller is not live. Raises AuthenticationFailed, NotAuthenticated,
    PermissionDenied, and Throttled after many wrong tokens.
    """
    text, address = token_in(request), client_address(request)
    client = str(request.META.get("HTTP_USER_AGENT", ""))
    digest = digest_of(text) if text else ""
    if text and (known := _known(text, digest)):
        if not known.may_trace:
            raise PermissionDenied(f"This needs a token with the scope {Scope.TRACE}.")
        return Caller(known.user_id, digest, True, known.bound_to, address, client)
    if text and workflow_id and _has_made(digest, workflow_id):
        return Caller(None, digest, False, "", address, client)
    if is_from_open_network(request):
        return Caller(None, "", True, "", address, client)
    raise _refusal(request, text)


def token_of(request: HttpRequest) -> ApiToken:
    """The live token of the request, whatever its scopes. Raises as `caller_of`."""
    text = token_in(request)
    if text and (token := find_token(text)):
        return token
    raise _refusal(request, text)


def _refusal(request: HttpRequest, text: str) -> Exception:
    if "HTTP_AUTHORIZATION" not in request.META:
        return NotAuthenticated(
            "Send a token of scope trace: set TOWER_ACCESS_TOKEN or tower.accessToken."
        )
    count_failure(client_address(request))
    return AuthenticationFailed(UNKNOWN if text else MALFORMED)


def _known(text: str, digest: str) -> Known | None:
    """What is known of the token: None if there is no such live one."""

    def look() -> Known | None:
        token = find_token(text)
        if token is None:
            return None
        may_trace = Scope.TRACE in token.scopes
        return Known(token.user_id, may_trace, token.bound_to)

    known: Known | None = cache.get_or_set(f"trace-token:{digest}", look, KNOWN_FOR_S)
    return known


def _has_made(digest: str, workflow_id: str) -> bool:
    made = Workflow.objects.filter(workflow_id=workflow_id, token_digest=digest)
    return made.exists()
