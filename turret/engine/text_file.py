"""Text files that others write, read from their beginning: logs and traces."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

# A log of 100,000 tasks has some 100 MB.
MAX_BYTES = 256 << 20
MAX_LINE_BYTES = 8 << 10
# O_NONBLOCK: the open of a FIFO would wait for its writer.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def lines(path: Path) -> Iterator[str]:
    """Each line of the first `MAX_BYTES`, without its end; a longer one in pieces.

    What is no regular file, or can't be read, has no lines.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError):  # ValueError: U+0000 in the path
        return
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return
    left = MAX_BYTES
    with os.fdopen(descriptor, "rb") as file:
        try:
            while left > 0 and (line := file.readline(min(left, MAX_LINE_BYTES))):
                left -= len(line)
                yield line.decode("utf-8", "replace").rstrip("\r\n")
        except OSError:
            return
