"""The roles of staff: viewer, operator, manager."""

from __future__ import annotations

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from seqhub.operations.choices import ROLES


def role_permissions() -> dict[str, set[str]]:
    """Role -> "app.codename" of what it may; each may what the one before may.

    Every app says in its AppConfig, as `role_permissions`, what it grants.
    """
    may: dict[str, set[str]] = {}
    so_far: set[str] = set()
    for role in ROLES:
        for app in apps.get_app_configs():
            granted = getattr(app, "role_permissions", {}).get(role, ())
            so_far |= {
                name if "." in name else f"{app.label}.{name}" for name in granted
            }
        may[role] = set(so_far)
    return may


@transaction.atomic
def sync_roles() -> None:
    """Make the groups grant exactly what the apps say. May be repeated.

    To be called after `migrate`, which writes the permissions. Raises LookupError
    for a permission that does not exist.
    """
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    for role, names in role_permissions().items():
        if missing := names - known.keys():
            raise LookupError(f"No permission {', '.join(sorted(missing))}.")
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(known[name] for name in names)
