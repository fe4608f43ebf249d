"""People at the console."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client

from seqhub.operations.services.roles import sync_roles


def staff(role: str, *, csrf: bool = False) -> Client:
    """A browser in which a new person of this role is logged in.

    `csrf`: refuse what a page of ours has not sent, as in production.
    """
    sync_roles()
    user = User.objects.create_user(role, password="a-password", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client
