"""Signs of life."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from seqhub.operations.models import Heartbeat


def beat(host: str, role: str, data: dict[str, Any] | None = None) -> None:
    """Note that `role` on `host` lives; `data` replaces what it said before."""
    Heartbeat.objects.update_or_create(
        host=host, role=role, defaults={"at": timezone.now(), "data": data or {}}
    )
