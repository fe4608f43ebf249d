"""Addresses of the pages of launches."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from turret.models import Launch


def launches_link(**filters: object) -> str:
    """The list of launches, narrowed down by the list's own query parameters."""
    link = reverse("admin:turret_launch_changelist")
    return f"{link}?{urlencode(filters)}" if filters else link


def launch_link(launch: Launch | int, tab: str = "") -> str:
    key = launch if isinstance(launch, int) else launch.pk
    link = reverse("admin:turret_launch_change", args=[key])
    return f"{link}?tab={tab}" if tab else link


def new_launch_link(**values: object) -> str:
    """The form, filled in: `pipeline` (id of a saved one), `from` (a launch's id)."""
    link = reverse("admin:turret_launch_add")
    return f"{link}?{urlencode(values)}" if values else link
