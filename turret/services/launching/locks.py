"""Decisions that only one process at a time may make, over all hosts."""

from __future__ import annotations

from django.db import connection

from runfolders.services.locks import exclusive, second_key

__all__ = ["CHECK_OUT", "CLAIM", "DIRECTORY", "START", "STAY", "exclusive", "wait_for"]

# The first key of advisory locks of each kind; archiving has 7071 to 7073.
CLAIM = 7_081
START = 7_082
STAY = 7_083
DIRECTORY = 7_084
CHECK_OUT = 7_086


def wait_for(kind: int, name: str) -> None:
    """Take the lock of that kind and name until the transaction ends."""
    keys = [kind, second_key(name)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", keys)
