"""Digests of files that others may be at work on."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from io import FileIO

PIECE_BYTES = 1 << 20


def digest_file(path: bytes, told: Callable[[int], None]) -> str:
    """SHA-256 of a file; `told` hears the size of each piece, PIECE_BYTES at most.

    Raises OSError, also if it is no regular file any more, and what `told` raises.
    """
    digest = hashlib.sha256()
    # Neither a link nor a pipe that came in between may be followed or waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with FileIO(descriptor) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file any more", path)
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            told(len(piece))
    return digest.hexdigest()
