"""The person behind a call."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request


def person_of(request: Request) -> User:
    """Whose token or session it is. Raises NotAuthenticated for an open network."""
    if not isinstance(request.user, User):
        raise NotAuthenticated("Send a token: `Authorization: Bearer <token>`.")
    return request.user
