"""`manage.py token`: API tokens from the shell."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError
from django.utils import timezone

from seqhub.operations.choices import Scope
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.models import ApiToken
from seqhub.operations.services.tokens import create_token, revoke_token


class Command(BaseCommand):
    """`create` prints the token alone on standard output, so that a script can
    take it; it is shown this once."""

    help = "Create, list and revoke API tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="Make a token and print it.")
        create.add_argument("name", help="What it is for.")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=Scope.values,
            help="What it may do; may be repeated.",
        )
        create.add_argument(
            "--user", help="Whose it is (default: the first administrator)."
        )
        create.add_argument(
            "--expires", type=float, metavar="DAYS", help="Default: never."
        )
        actions.add_parser("list", help="Show all tokens, newest first.")
        revoke = actions.add_parser("revoke", help="Make a token stop working.")
        revoke.add_argument("id", type=int, help="As `list` shows it.")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"_{action}")(**options)
        except DomainError as error:
            raise CommandError(error.message) from None
        except ProgrammingError:
            raise CommandError(
                "The database has no tables yet: run `up` once."
            ) from None

    def _create(
        self,
        name: str,
        scope: list[str],
        user: str | None,
        expires: float | None,
        **options: Any,
    ) -> None:
        owner = _owner(user)
        expires_at = None
        if expires is not None:
            try:
                expires_at = timezone.now() + dt.timedelta(days=expires)
            except (OverflowError, ValueError):
                raise CommandError(f"--expires {expires:g}: too many days.") from None
        token, text = create_token(
            owner, name, scope, actor=shell_actor(), expires_at=expires_at
        )
        self.stderr.write(
            f"Token {token.pk} of {owner.get_username()}, "
            f"scope {', '.join(token.scopes)}. It is shown this once:"
        )
        self.stdout.write(text)

    def _list(self, **options: Any) -> None:
        self.stdout.write("ID\tTOKEN\tUSER\tSCOPES\tSTATUS\tLAST USED\tNAME")
        for token in ApiToken.objects.select_related("user"):
            columns = (
                str(token.pk),
                f"{token.hint}...",
                token.user.get_username(),
                ",".join(token.scopes),
                _status(token),
                _when(token.last_used_at) if token.last_used_at else "never",
                token.name,
            )
            self.stdout.write("\t".join(columns))

    def _revoke(self, **options: Any) -> None:
        token_id = options["id"]
        if not ApiToken.objects.filter(pk=token_id).exists():
            raise CommandError(f"There is no token {token_id}; see `token list`.")
        revoke_token(token_id, actor=shell_actor())
        self.stderr.write(f"Token {token_id} is revoked.")


def _owner(name: str | None) -> User:
    users = User.objects.filter(is_active=True)
    if name is not None:
        owner = users.filter(username=name).first()
        problem = f"There is no active user {name}."
    else:
        owner = users.filter(is_superuser=True).order_by("pk").first()
        problem = "There is no administrator yet: run `up` once, or name a --user."
    if owner is None:
        raise CommandError(problem)
    return owner


def _status(token: ApiToken) -> str:
    if token.revoked_at:
        return f"revoked {_when(token.revoked_at)}"
    if token.expires_at is None:
        return "valid"
    word = "expired" if token.expires_at <= timezone.now() else "until"
    return f"{word} {_when(token.expires_at)}"


def _when(at: dt.datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M %Z")
