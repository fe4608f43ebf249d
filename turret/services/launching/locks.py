"""Decisions that only one process at a time may make, over all hosts."""

from __future__ import annotations

from django.db import connection

from runfolders.services.locks import exclusive, second_key

__all__ = [
    "CHECK_OUT",
    "CLAIM",
    "DIRECTORY",
    "START",
    "STAY",
    "TIDY",
    "exclusive",
    "wait_for",
    "wait_for_directories",
]

# The first key of advisory locks of each kind; archiving has 7071 to 7073.
CLAIM = 7_081
START = 7_082
STAY = 7_083
DIRECTORY = 7_084
TIDY = 7_085
CHECK_OUT = 7_086


def wait_for(kind: int, name: str) -> None:
    """Take the lock of that kind and name until the transaction ends."""
    keys = [kind, second_key(name)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", keys)


def wait_for_directories(*paths: str) -> None:
    """Take the locks of those that are named, until the transaction ends; all go this
    way, so that two can't wait for each other."""
    for path in sorted(set(paths) - {""}):
        wait_for(DIRECTORY, path)
