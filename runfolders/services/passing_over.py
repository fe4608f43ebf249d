"""Directories that look like run folders and must not be taken for new runs."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils import timezone

from runfolders.models import PassedOver
from runfolders.services.columns import path_columns


def pass_over(host: str, path: str | Path, reason: str) -> None:
    """Keep the scanner of `host` from `path`, which need not be there yet.

    A repeat renews the reason. A run folder that has a row at this place keeps it.
    """
    columns = path_columns(os.path.realpath(path))
    PassedOver.objects.update_or_create(
        host=host,
        path=columns["path"],
        defaults={"reason": reason},
        create_defaults={
            "raw_path": columns["raw_path"],
            "reason": reason,
            "since": timezone.now(),
        },
    )


def take_up_again(host: str, path: str | Path) -> None:
    """What lies at `path` is a run folder again if it looks like one."""
    shown = path_columns(os.path.realpath(path))["path"]
    PassedOver.objects.filter(host=host, path=shown).delete()


def passed_over(host: str) -> frozenset[str]:
    """The real paths that the scanner of `host` leaves alone."""
    rows = PassedOver.objects.filter(host=host).values_list("path", "raw_path")
    return frozenset(
        path if raw_path is None else os.fsdecode(bytes(raw_path))
        for path, raw_path in rows
    )
