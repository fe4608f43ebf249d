"""API tokens: made once, shown once, found by digest."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from seqhub.operations.choices import Scope
from seqhub.operations.errors import InvalidValue
from seqhub.operations.models import ApiToken
from seqhub.operations.services.events import Actor, record_event

# Secret scanners find leaked tokens by it.
PREFIX = "sqh_"
# A token's last use is written at most so often.
LAST_USED_STEP_S = 60


def digest_of(token: str) -> str:
    """SHA-256 (hex): the tokens are random, so a slow hash adds nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def create_token(
    user: User,
    name: str,
    scopes: Iterable[str],
    *,
    actor: Actor,
    expires_at: dt.datetime | None = None,
    bound_to: str = "",
) -> tuple[ApiToken, str]:
    """A new token and its text, which is not kept. Raises InvalidValue.

    The text holds no dot: Nextflow sends a token with dots in another way.
    """
    chosen = sorted(set(scopes))
    unknown = [scope for scope in chosen if scope not in Scope.values]
    if unknown or not chosen:
        raise InvalidValue(
            f"Unknown scope {', '.join(unknown)}." if unknown else "No scope is given.",
            known=Scope.values,
        )
    if not name.strip():
        raise InvalidValue("A token needs a name.")
    if expires_at and expires_at <= timezone.now():
        raise InvalidValue("The expiry date is in the past.")
    text = PREFIX + secrets.token_hex(24)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip()[:100],
        digest=digest_of(text),
        hint=text[:10],
        scopes=chosen,
        bound_to=bound_to,
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    record_event(
        f"apitoken:{token.pk}",
        "token_created",
        f"Token {token.name} was created for {user.username} ({', '.join(chosen)}).",
        actor=actor,
    )
    return token, text


@transaction.atomic
def revoke_token(token_id: int, *, actor: Actor, reason: str = "") -> None:
    """The token stops working within seconds; a second call changes nothing."""
    token = ApiToken.objects.select_for_update().filter(pk=token_id).first()
    if token is None or token.revoked_at:
        return
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    record_event(
        f"apitoken:{token.pk}",
        "token_revoked",
        f"Token {token.name} was revoked. {reason}".strip(),
        actor=actor,
    )


def find_token(text: str) -> ApiToken | None:
    """The live token with this text, its active user at hand; notes the use."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=digest_of(text), revoked_at=None, user__is_active=True)
        .first()
    )
    now = timezone.now()
    if token is None or (token.expires_at and token.expires_at <= now):
        return None
    step = dt.timedelta(seconds=LAST_USED_STEP_S)
    if token.last_used_at is None or now - token.last_used_at > step:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
