"""The secret that opens an archive: made, read from a file, judged.

A key is bytes: what gpg takes as the passphrase, with no end of line.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from archiving.errors import Code, Trouble

KEY_BYTES = 32
WEAK_BELOW_BYTES = 16
FILE_LIMIT_BYTES = 64 * 1024
HEX = re.compile(rb"[0-9a-fA-F]+")


def new_session_key() -> bytes:
    """32 random bytes as 64 hex digits: no newline or NUL can cut it short."""
    return secrets.token_hex(KEY_BYTES).encode()


def effective(raw: bytes) -> bytes:
    """What gpg uses of a passphrase file: all before the first newline or NUL."""
    return re.split(rb"[\n\0]", raw, maxsplit=1)[0]


def effective_strength(raw: bytes) -> int:
    """How many bytes really protect the archive; weak below WEAK_BELOW_BYTES.

    Two hex digits count as one byte.
    """
    key = effective(raw)
    return len(key) // 2 if HEX.fullmatch(key) else len(key)


def read_key_file(path: Path) -> bytes:
    """The key in a file that somebody decrypted, or that an old service wrote.

    Raises Trouble: NO_SECRET_KEY when there is no such file or it can't be read,
    WRONG_KEY when it can't be a key.
    """
    try:
        raw = _read_bounded(path)
    except OSError as error:
        raise Trouble(
            Code.NO_SECRET_KEY,
            f"the key file {path} can't be read: {error.strerror}",
            "Decrypt it first: gpg -d RUN.key.gpg > RUN.key",
        ) from error
    key = effective(raw)
    if not key or len(raw) > FILE_LIMIT_BYTES:
        raise Trouble(
            Code.WRONG_KEY,
            f"{path} holds no key: it is empty, begins with a newline or is too big",
            "Decrypt the key again: gpg -d RUN.key.gpg > RUN.key",
        )
    return key


def _read_bounded(path: Path) -> bytes:
    # A pipe or a device could keep us waiting for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file")
        return file.read(FILE_LIMIT_BYTES + 1)
