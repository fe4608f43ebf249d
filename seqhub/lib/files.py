"""Files that appear whole or not at all, and locks that die with their holder."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE = 0o600


def is_disk_full(error: OSError) -> bool:
    """Whether the error means "no space left", a used-up quota included."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def fsync_directory(path: Path) -> None:
    """Make the names in a directory durable: a rename is not, until this returns."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Replace `path` by a file with these bytes and this mode, durably.

    A reader sees the old file or the new one, never a part; a symbolic link at
    `path` is replaced, not followed. Raises OSError and leaves the old file.
    """
    partial = _write_partial(path, data, mode)
    try:
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def create_once(path: Path, data: bytes, *, mode: int = PRIVATE) -> bool:
    """Create `path` whole unless it is there; False says that it was.

    Of several processes that try at once exactly one creates it.
    """
    partial = _write_partial(path, data, mode)
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    fsync_directory(path.parent)
    return True


def _write_partial(path: Path, data: bytes, mode: int) -> Path:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(partial, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # The umask must not decide who can read it.
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    return partial


class Locked(Exception):
    """Somebody else holds the lock."""


def open_lock(path: Path) -> int:
    """Open a lock file (made 0600 when missing); the descriptor is the caller's."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, PRIVATE)


def try_lock(descriptor: int, *, exclusive: bool) -> bool:
    """Take or convert the flock of an open lock file without waiting."""
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, *, exclusive: bool = True, wait: bool = True) -> Iterator[int]:
    """Hold a flock on `path`; yields the descriptor.

    The kernel frees it when its last holder is gone, however it ended. A child
    that inherits the descriptor holds it too. Raises Locked when `wait` is
    false and another holder is in the way. The file stays: removing a lock file
    would let two processes lock two different files of one name.
    """
    descriptor = open_lock(path)
    try:
        if wait:
            fcntl.flock(descriptor, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        elif not try_lock(descriptor, exclusive=exclusive):
            raise Locked(path)
        yield descriptor
    finally:
        os.close(descriptor)
