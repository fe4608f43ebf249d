"""Paths below a directory that may be read, opened without following a link.

Whoever writes there is not to be trusted: a link may lead anywhere, a directory may
be exchanged for one at any time, a name may be a FIFO.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: the open of a FIFO would wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def way_to(path: str, root: Path) -> tuple[str, tuple[str, ...]]:
    """The real root, and the names that lead from it to `path`, links resolved.

    Raises ValueError when `path` does not lie below it, OSError.
    """
    real_root = os.path.realpath(root)
    return real_root, Path(os.path.realpath(path)).relative_to(real_root).parts


def open_file(real_root: str, names: Sequence[str]) -> int:
    """A descriptor of a regular file. Raises OSError, also for what is none."""
    place = open_directory(real_root, names[:-1])
    name = names[-1] if names else "."
    try:
        # The open alone of a device may do something.
        _require_regular(os.stat(name, dir_fd=place, follow_symlinks=False))
        descriptor = os.open(name, _FILE, dir_fd=place)
    finally:
        os.close(place)
    try:
        _require_regular(os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")


def open_directory(real_root: str, names: Sequence[str]) -> int:
    """A descriptor of a directory. Raises OSError."""
    place = os.open(real_root, _DIRECTORY & ~os.O_NOFOLLOW)
    try:
        for name in names:
            below = os.open(name, _DIRECTORY, dir_fd=place)
            os.close(place)
            place = below
    except OSError:
        os.close(place)
        raise
    return place
