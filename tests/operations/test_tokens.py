"""Tokens: the service and the command."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from seqhub.operations.errors import InvalidValue
from seqhub.operations.models import ApiToken, Event
from seqhub.operations.services.events import SYSTEM
from seqhub.operations.services.tokens import (
    create_token,
    digest_of,
    find_token,
    revoke_token,
)
from tests.clients import make_admin, make_user, token_of

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("token", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_only_a_digest_is_kept() -> None:
    text = token_of(make_admin())
    token = ApiToken.objects.get()
    assert token.digest == digest_of(text)
    kept = [str(value) for value in ApiToken.objects.values_list().get()]
    assert not any(text in value for value in kept)
    assert not any(text in event.message for event in Event.objects.all())
    assert "." not in text


def test_its_use_is_noted_once_a_minute() -> None:
    text = token_of(make_admin())
    assert find_token(text)
    first = ApiToken.objects.get().last_used_at
    assert first
    find_token(text)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - dt.timedelta(minutes=2))
    find_token(text)
    again = ApiToken.objects.get().last_used_at
    assert again
    assert again >= first


def test_a_second_revocation_changes_nothing() -> None:
    token_of(make_admin())
    token = ApiToken.objects.get()
    revoke_token(token.pk, actor=SYSTEM)
    revoked_at = ApiToken.objects.get().revoked_at
    revoke_token(token.pk, actor=SYSTEM)
    assert ApiToken.objects.get().revoked_at == revoked_at
    assert Event.objects.filter(kind="token_revoked").count() == 1


@pytest.mark.parametrize(
    ("name", "scopes", "age_days"),
    [
        ("x", ["admin"], None),
        ("x", [], None),
        (" ", ["read"], None),
        ("x", ["read"], 1),
    ],
)
def test_it_refuses_what_makes_no_token(
    name: str, scopes: list[str], age_days: int | None
) -> None:
    expires_at = timezone.now() - dt.timedelta(days=age_days) if age_days else None
    with pytest.raises(InvalidValue):
        create_token(make_admin(), name, scopes, actor=SYSTEM, expires_at=expires_at)
    assert not ApiToken.objects.exists()


def test_the_command_prints_the_token_alone() -> None:
    admin = make_admin()
    make_admin()
    out, err = run("create", "lims", "--scope", "read", "--scope", "write")
    token = find_token(out.removesuffix("\n"))
    assert token
    assert (token.user, token.name) == (admin, "lims")
    assert (token.scopes, token.expires_at) == (["read", "write"], None)
    assert "shown this once" in err
    assert Event.objects.get(kind="token_created").source == "command"


def test_the_command_takes_a_user_and_an_expiry() -> None:
    make_admin()
    user = make_user()
    out, _ = run(
        "create", "x", "--scope=trace", "--user", user.username, "--expires", "2"
    )
    token = find_token(out.strip())
    assert token
    assert token.user == user
    assert token.expires_at
    left = token.expires_at - timezone.now()
    assert dt.timedelta(days=1.9) < left < dt.timedelta(days=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x", "--scope", "read", "--user", "nobody"),
        ("create", "x", "--scope", "read", "--expires", "-1"),
        ("create", "x", "--scope", "read", "--expires", "1e99"),
        ("create", "x", "--scope", "read", "--expires", "nan"),
        ("create", "x", "--scope", "admin"),
        ("create", "x"),
        ("create", "", "--scope", "read"),
        ("revoke", "999"),
        (),
    ],
)
def test_the_command_refuses_in_one_line(arguments: tuple[str, ...]) -> None:
    make_admin()
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert "\n" not in str(refusal.value)
    assert not ApiToken.objects.exists()


def test_without_an_administrator_the_command_says_what_to_do() -> None:
    with pytest.raises(CommandError, match="--user"):
        run("create", "x", "--scope", "read")


def test_before_the_first_up_the_command_says_what_to_do() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE operations_apitoken RENAME TO elsewhere")
    with pytest.raises(CommandError, match="run `up` once"):
        run("list")


def test_the_command_lists_and_revokes() -> None:
    make_admin()
    text = run("create", "lims", "--scope", "read")[0].strip()
    token = ApiToken.objects.get()
    out, _ = run("list")
    assert token.hint in out
    assert text not in out
    assert "valid" in out
    run("revoke", str(token.pk))
    assert find_token(text) is None
    assert "revoked" in run("list")[0]
