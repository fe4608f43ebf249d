"""Work of which only one may go on at a time, over all processes and hosts."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# The first key of SeqHub's advisory locks of each kind.
SCAN = 7_061
WATCH = 7_062
MEASURE = 7_063


def second_key(name: str) -> int:
    """What stands for the name in an advisory lock: a signed integer of four bytes."""
    return zlib.crc32(name.encode()) - 2**31


@contextmanager
def exclusive(kind: int, name: str) -> Iterator[bool]:
    """Whether this session got the lock of that kind and name; else another has it.

    PostgreSQL frees it when the session ends, however it ends.
    """
    key = second_key(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [kind, key])
        got = bool(cursor.fetchone()[0])
    try:
        yield got
    finally:
        # A connection that was lost took the lock along.
        if got and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [kind, key])
