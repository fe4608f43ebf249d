"""Disk work that may hang for ever, done in a thread that can be given up.

A read from a dead NFS server blocks in the kernel and can't be interrupted. Its
thread stays behind; so that they don't pile up, a place where work hangs is not
touched again by this process before the kernel lets go.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Threads that may hang in one place before it is no longer touched.
MAX_HANGING = 2
# Results that may wait for their consumer.
_AHEAD = 4

_hanging: Counter[str] = Counter()
_guard = threading.Lock()


class TimedOut(Exception):
    """No answer in time; the message names the place."""


def within(
    limit_s: float,
    place: str,
    function: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """What `function` returns or raises, if it does so in `limit_s` seconds.

    `place` is what may hang: the path of a mount. Raises TimedOut.
    """

    def once() -> Iterator[T]:
        yield function(*args, **kwargs)

    return next(patient(limit_s, place, once()))


def patient(limit_s: float, place: str, items: Iterable[T]) -> Iterator[T]:
    """`items`, made in a thread of their own; raises what making them raises.

    Raises TimedOut when the next one takes longer than `limit_s` seconds, or at
    once when earlier work hangs in the same place.
    """
    with _guard:
        if _hanging[place] >= MAX_HANGING:
            raise TimedOut(f"{place} still does not answer")
    work = _Work(place, items)
    threading.Thread(target=work.run, daemon=True).start()
    try:
        while True:
            try:
                results, error = work.results.get(timeout=limit_s)
            except queue.Empty:
                work.give_up()
                raise TimedOut(f"{place} did not answer for {limit_s:g} s") from None
            yield from results
            if error is not None:
                raise error
            if not results:
                return
    finally:
        work.is_wanted = False


class _Work(Generic[T]):
    """The items of one thread, on their way to their consumer."""

    def __init__(self, place: str, items: Iterable[T]) -> None:
        self.place = place
        self.items = items
        # One item or, last, none and perhaps an error.
        self.results: queue.Queue[tuple[list[T], BaseException | None]]
        self.results = queue.Queue(_AHEAD)
        self.is_wanted = True
        self._has_ended = self._hangs = False

    def run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self.items:
                if not self._put([item], None):
                    break
        except BaseException as raised:  # noqa: BLE001 - raised in the consumer
            error = raised
        with _guard:
            self._has_ended = True
            if self._hangs:
                _hanging[self.place] -= 1
        self._put([], error)

    def give_up(self) -> None:
        with _guard:
            if not self._has_ended:
                self._hangs = True
                _hanging[self.place] += 1

    def _put(self, result: list[T], error: BaseException | None) -> bool:
        """Hand it over; False if nobody waits for it any longer."""
        while self.is_wanted:
            try:
                self.results.put((result, error), timeout=0.5)
            except queue.Full:
                continue
            return True
        return False
