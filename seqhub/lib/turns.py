"""Few slow answers at once: a file takes a thread of the web server for as long as its
reader needs, a search for as long as the disk needs, and the trace must find a thread
that is free."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from threading import BoundedSemaphore

from django.http import HttpRequest

# Of the threads of a web worker (seqhub.supervisor.web.THREADS).
MOST_AT_ONCE = 2
# Until the reader has taken the next piece.
PATIENCE_S = 30.0

_turns = BoundedSemaphore(MOST_AT_ONCE)


class NoTurn(Exception):
    """As many as may be are under way; the message says so."""


class Turn:
    """Leave to take long, and the bytes that are on their way to a reader; `close` lets
    the next one have its turn."""

    def __init__(self, request: HttpRequest) -> None:
        """Raises NoTurn."""
        if not _turns.acquire(blocking=False):
            raise NoTurn("Several files are being read; try again in a moment.")
        self._is_over = False
        self._data: Iterator[bytes] = iter(())
        # A reader who takes nothing would keep the thread for ever.
        if socket := request.META.get("gunicorn.socket"):
            socket.settimeout(PATIENCE_S)

    def __iter__(self) -> Iterator[bytes]:
        return self._data

    def give(self, data: Iterator[bytes]) -> Turn:
        self._data = data
        return self

    def close(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        _turns.release()
        if isinstance(self._data, Generator):
            self._data.close()
