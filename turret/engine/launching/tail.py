"""Logs that grow, read from their end or from where a reader has come to."""

from __future__ import annotations

import os
import stat
from pathlib import Path

# Of a log that is shown, whatever its lines are.
MAX_BYTES = 1 << 20
_BLOCK = 64 << 10
# A symbolic link is not followed; a FIFO would be waited for.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
# Of UTF-8: a character has at most four bytes.
_LONGEST = 4


def tail(path: Path, *, lines: int) -> str:
    """The last `lines` lines, at most MAX_BYTES of them; empty if there is no such
    regular file. Bytes that are no UTF-8 are shown as U+FFFD. Raises OSError."""
    descriptor = _open(path)
    if descriptor is None or lines <= 0:
        return ""
    try:
        data = _last_lines(descriptor, lines)
    finally:
        os.close(descriptor)
    return _text(data)


def read_from(path: Path, offset: int, most: int) -> tuple[str, int]:
    """At most `most` bytes from `offset` on, as text, and where the next ones begin.

    A character that is not there whole yet is left for the next time. A file that is
    shorter than `offset` was begun anew, and so is the reading. Raises OSError.
    """
    descriptor = _open(path)
    if descriptor is None:
        return "", 0
    try:
        size = os.fstat(descriptor).st_size
        start = offset if 0 <= offset <= size else 0
        data = os.pread(descriptor, min(most, MAX_BYTES), start)
    finally:
        os.close(descriptor)
    data = data[: len(data) - _unfinished(data)]
    return _text(data), start + len(data)


def _open(path: Path) -> int | None:
    """None if it is no regular file."""
    try:
        descriptor = os.open(path, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _last_lines(descriptor: int, lines: int) -> bytes:
    size = os.fstat(descriptor).st_size
    blocks: list[bytes] = []
    found = 0
    start = size
    # The newline of the last line begins no line.
    while start > 0 and size - start < MAX_BYTES and found <= lines:
        length = min(_BLOCK, start)
        start -= length
        blocks.append(os.pread(descriptor, length, start))
        found += blocks[-1].count(b"\n")
    data = b"".join(reversed(blocks))
    return b"".join(_split(data)[-lines:])


def _split(data: bytes) -> list[bytes]:
    """By newlines alone: progress bars hold carriage returns."""
    parts = data.split(b"\n")
    whole = [part + b"\n" for part in parts[:-1]]
    return [*whole, parts[-1]] if parts[-1] else whole


def _unfinished(data: bytes) -> int:
    """How many bytes at the end begin a character of UTF-8 that goes on."""
    for length in range(1, min(_LONGEST, len(data) + 1)):
        byte = data[-length]
        if byte & 0b1100_0000 == 0b1000_0000:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return length if needed > length else 0
    return 0


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
