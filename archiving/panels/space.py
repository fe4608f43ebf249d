"""How full the disks are that archives and restores are written to."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from archiving.services.destination import has_archives, is_bare
from seqhub.lib.patience import TimedOut, within

# A page waits no longer for a disk.
_PATIENCE_S = 2


@dataclass(frozen=True, slots=True)
class Space:
    """`free_bytes` and `total_bytes` are None where the disk does not answer, or
    is not the one that is meant."""

    path: str
    free_bytes: int | None = None
    total_bytes: int | None = None
    is_unmounted: bool = False  # archives were made in it, and it is empty

    @property
    def used_percent(self) -> int:
        if not self.total_bytes or self.free_bytes is None:
            return 0
        return round(100 * (self.total_bytes - self.free_bytes) / self.total_bytes)

    @property
    def colour(self) -> str:
        if self.used_percent < 80:
            return "primary"
        return "danger" if self.used_percent >= 95 else "warning"


def space_at(path: Path | str) -> Space:
    """The disk that holds `path`, as far as it can be told."""
    try:
        found = within(_PATIENCE_S, str(path), shutil.disk_usage, path)
    except (OSError, TimedOut):
        return Space(str(path))
    return Space(str(path), found.free, found.total)


def destination_space(destination: Path) -> Space:
    """The same for the directory of the archives; without its disk mounted, one
    would see what is below it."""
    try:
        is_empty = within(_PATIENCE_S, str(destination), is_bare, destination)
    except (OSError, TimedOut):
        return Space(str(destination))
    if is_empty and has_archives(settings.CONFIG.host, str(destination)):
        return Space(str(destination), is_unmounted=True)
    return space_at(destination)
