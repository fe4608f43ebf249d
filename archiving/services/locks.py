"""Decisions that only one process at a time may make, over all hosts."""

from __future__ import annotations

from django.db import connection

from runfolders.services.locks import second_key

# The first key of advisory locks of each kind; runfolders has 7061 to 7063.
CLAIM = 7_071
SPACE = 7_072
REGISTER = 7_073


def wait_for(kind: int, name: str) -> None:
    """Take the lock of that kind and name until the transaction ends."""
    keys = [kind, second_key(name)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", keys)
