"""Looks into a directory below a run folder's top level, at fixed places only."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path


def entries(directory: Path, limit: int) -> Iterator[os.DirEntry[str]]:
    """At most `limit` entries of a directory, in no order; none if it can't be read."""
    try:
        with os.scandir(directory) as found:
            yield from islice(found, limit)
    except OSError:
        return


def modified_at(path: Path) -> float | None:
    """Modification time (seconds since 1970) of a regular file; None for all else."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime if stat.S_ISREG(found.st_mode) else None
