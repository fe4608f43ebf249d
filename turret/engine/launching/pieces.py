"""Files that grow while they are read: each look reads what is new, and no more."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

# Of one file, a look.
MOST_BYTES = 4 << 20
# Links are not followed: others write in the directories of launches. O_NONBLOCK: the
# open of a FIFO would wait for its writer.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file was read. `seen` is its size up to which there was nothing more
    to be had, `offset` where the next line begins."""

    inode: int = 0
    offset: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """What is new. `offsets` are where each of the lines begins, and the last ends."""

    lines: list[str] = field(default_factory=list)
    offsets: list[int] = field(default_factory=lambda: [0])
    inode: int = 0
    size: int = 0  # of the whole file
    is_behind: bool = False  # there is more to be read at once
    written_s: float = 0.0  # since 1970
    begins_anew: bool = False

    def mark(self, done: int) -> Mark:
        """With so many of its lines done. Those that are not are read again, when the
        file has grown."""
        offset = self.offsets[done]
        return Mark(self.inode, offset, offset if self.is_behind else self.size)


def read_piece(
    path: Path, mark: Mark, *, most: int = MOST_BYTES, is_over: bool = False
) -> Piece | None:
    """The whole lines after the mark; None when there is nothing new, or no regular
    file. A file that shrank, or is another one, begins anew.

    A line that is not all there waits, unless the file is over. Of one that is longer
    than `most` bytes the rest is a line of its own. Bytes that are no UTF-8, and NUL,
    are U+FFFD. May hang with the disk.
    """
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    is_same = found.st_ino == mark.inode and found.st_size >= mark.seen
    is_waiting = is_over and mark.offset < mark.seen
    if is_same and found.st_size == mark.seen and not is_waiting:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    offset = mark.offset if is_same else 0
    try:
        data = _read(path, offset, most)
    except OSError:
        return None
    if not data and is_same:
        return None
    size = max(found.st_size if data else 0, offset + len(data))
    is_behind = offset + len(data) < size
    whole = data
    if is_behind or not is_over:
        end = data.rfind(b"\n") + 1
        # Of a line without an end nothing can be waited for.
        whole = data[:end] if end or len(data) < most else data
    return Piece(
        *_lines(whole, offset),
        inode=found.st_ino,
        size=size,
        is_behind=is_behind,
        written_s=found.st_mtime,
        begins_anew=not is_same,
    )


def read_text(path: Path, offset: int, most: int) -> list[str]:
    """The lines of at most so many bytes from there; none if it can't be read."""
    try:
        data = _read(path, offset, most)
    except OSError:
        return []
    return [_text(part) for part in data.split(b"\n")]


def _lines(whole: bytes, offset: int) -> tuple[list[str], list[int]]:
    parts = whole.split(b"\n")
    if not parts[-1]:
        parts.pop()
    offsets = [offset]
    for part in parts:
        offsets.append(offsets[-1] + len(part) + 1)
    offsets[-1] = offset + len(whole)
    return [_text(part) for part in parts], offsets


def _read(path: Path, offset: int, most: int) -> bytes:
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        return os.pread(descriptor, most, offset)
    finally:
        os.close(descriptor)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "�").rstrip("\r")
