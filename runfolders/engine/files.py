"""What an instrument, or anybody, wrote: bounded, regular files only, and looks
into directories below a run folder's top level."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from .facts import Unreadable


def storable(name: str) -> str:
    r"""A file name that fits into JSON and the database: bytes that are no UTF-8 as
    `\xe5`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, unbuffered; links are followed.

    A FIFO or a device never blocks. Raises Unreadable.
    """
    name = storable(path.name)
    descriptor = -1
    try:
        # O_NONBLOCK: the open of a FIFO would wait for its writer.
        descriptor = os.open(
            path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        )
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    except (OSError, ValueError) as error:
        if descriptor >= 0:
            os.close(descriptor)
        raise Unreadable(f"{name} can't be opened: {_reason(error)}.") from error
    if not is_regular:
        os.close(descriptor)
        raise Unreadable(f"{name} is not a regular file.")
    return os.fdopen(descriptor, "rb", buffering=0)


def read_regular(path: Path, limit_bytes: int) -> bytes:
    """The whole content of a regular file of at most `limit_bytes` bytes.

    Raises Unreadable, also if the file is larger.
    """
    name = storable(path.name)
    with open_regular(path) as file:
        try:
            # The size may lie (a file that grows), so the read is bounded too.
            chunks = []
            room = limit_bytes + 1
            while room > 0 and (chunk := file.read(min(room, 1 << 20))):
                chunks.append(chunk)
                room -= len(chunk)
        except OSError as error:
            raise Unreadable(f"{name} can't be read: {_reason(error)}.") from error
    if room <= 0:
        raise Unreadable(f"{name} is larger than {limit_bytes:,} bytes.")
    return b"".join(chunks)


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


def _reason(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
