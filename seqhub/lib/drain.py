"""A word from a cluster's main process to the tasks in its workers: come to an end.

A task that only waits for the next thing to happen asks for it; work that has
something to finish need not. One byte that all forked processes share: a lock
could be left held by a process that was killed.
"""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def ask() -> None:
    """Ask the tasks of all processes that are forked from this one."""
    _flag[0] = 1


def is_asked() -> bool:
    """Whether the cluster that this process belongs to wants to stop."""
    return _flag[0] == 1
