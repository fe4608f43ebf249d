"""What an archive holds: one member a file, directory or link."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from seqhub.lib.text import printable


class Kind(StrEnum):
    """Letters as in the manifest."""

    FILE = "f"
    DIRECTORY = "d"
    SYMLINK = "l"
    HARD_LINK = "h"
    FIFO = "p"
    CHARACTER_DEVICE = "c"
    BLOCK_DEVICE = "b"


class Member(NamedTuple):
    """A member of the tar, or a line of the manifest.

    `name` begins with the run folder's name and ends in no slash; names are
    bytes because file names are. `mtime` is in whole seconds since 1970.
    """

    name: bytes
    kind: Kind
    mode: int  # permission bits, 0o7777
    size: int  # bytes of content; 0 but for files
    mtime: int
    target: bytes = b""  # of links
    sha256: str = ""  # of files, hex


def shown(name: bytes) -> str:
    """A name as people see it: bytes that are not UTF-8, and those of characters
    that would move a cursor or forge a line, stand as `\\xe5`."""
    return printable(name.decode("utf-8", "backslashreplace"))
