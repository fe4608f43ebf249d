"""Disk reads in web threads, bounded: a hung NFS must not take them all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Reads at once in one process; what hangs keeps its place until it returns.
PLACES = 4
TIMEOUT_S = 10.0

_places = threading.BoundedSemaphore(PLACES)
_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


class DiskTimeout(Exception):
    """The disk did not answer in time; asking again later may work."""


def read_disk(
    function: Callable[P, T], /, *arguments: P.args, **keywords: P.kwargs
) -> T:
    """`function(...)` in a thread of its own, for at most TIMEOUT_S.

    Raises DiskTimeout, also at once when PLACES reads hang already, and what
    `function` raises. `function` must not use the database: its connection
    would belong to the wrong thread.
    """
    if not _places.acquire(timeout=TIMEOUT_S / 2):
        raise DiskTimeout("All disk reads hang; is a network mount stuck?")
    future = _executor().submit(function, *arguments, **keywords)
    future.add_done_callback(_give_place_back)
    if not wait([future], timeout=TIMEOUT_S).done:
        raise DiskTimeout(
            f"The disk did not answer within {TIMEOUT_S:.0f} s; "
            "is a network mount stuck?"
        )
    return future.result()


def _give_place_back(_future: Future[T]) -> None:
    _places.release()


def _executor() -> ThreadPoolExecutor:
    # Made at the first use: a pool that is made before a fork has no threads.
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(PLACES, thread_name_prefix="disk")
        return _pool
