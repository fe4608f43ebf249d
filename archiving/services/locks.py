"""Decisions that only one process at a time may make, over all hosts."""

from __future__ import annotations

import zlib

from django.db import connection

# The first key of advisory locks of each kind; runfolders has 7061 to 7063.
CLAIM = 7_071
SPACE = 7_072
REGISTER = 7_073


def wait_for(kind: int, name: str) -> None:
    """Take the lock of that kind and name until the transaction ends."""
    # The second key is a signed integer of four bytes.
    key = zlib.crc32(name.encode()) - 2**31
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [kind, key])
