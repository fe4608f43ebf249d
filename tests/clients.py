"""Callers of the API."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission, User
from rest_framework.test import APIClient

from seqhub.lib.sent_path import KEY
from seqhub.operations.services.events import SYSTEM
from seqhub.operations.services.tokens import create_token

_numbers = count(1)


class ServedClient(APIClient):
    """Its requests come as seqhub.wsgi hands them over."""

    def request(self, **environ: Any) -> Any:
        return super().request(**{KEY: environ["PATH_INFO"], **environ})


def make_user(*permissions: str, **fields: bool) -> User:
    """An active user with permissions, as in `runfolders.view_runfolder`."""
    user = User(username=f"user{next(_numbers)}", **fields)
    user.save()
    for permission in permissions:
        app, _, codename = permission.partition(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def make_admin() -> User:
    return make_user(is_staff=True, is_superuser=True)


def token_of(user: User, scopes: Iterable[str] = ("read", "write")) -> str:
    """The text of a new token."""
    return create_token(user, "robot", scopes, actor=SYSTEM)[1]


def client_with(*scopes: str, user: User | None = None) -> APIClient:
    """A client that sends a token with these scopes, an administrator's."""
    text = token_of(user or make_admin(), scopes)
    return ServedClient(headers={"Authorization": f"Bearer {text}"})
