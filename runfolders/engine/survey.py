"""One pass over a root: what changed, what is new, what is gone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from .absence import is_absent, is_gone
from .facts import Unreadable
from .listing import device_of, is_unchanged, with_device
from .look import Before, Look, Looker
from .walk import Candidate, Walk

# Looks are handed over so many at a time, or after so long; a sign of life too.
BATCH = 200
BATCH_S = 1.0

Place = tuple[str, int | None]  # a directory and the device of what lay in it


@dataclass(frozen=True, slots=True)
class Batch:
    looks: tuple[Look, ...]
    done: int  # directories so far
    total: int  # of as many as are known of
    is_last: bool = False


@dataclass(slots=True)
class Survey:
    """Iterate it for the looks that say something new; then read the rest of it."""

    walk: Walk
    looker: Looker
    # Known run folders by path: signatures of those that need no look as long as
    # their stats are the same, and what is known of those that need one.
    settled: Mapping[str, str]
    live: Mapping[str, Before]
    seen: set[str] = field(default_factory=set)  # known ones that are there
    gone: list[str] = field(default_factory=list)  # known ones that are not
    # Known ones of which nothing can be said: their disk is not there.
    out_of_reach: list[str] = field(default_factory=list)
    # Known ones that are there, but where the walk does not come (any longer).
    uncovered: list[str] = field(default_factory=list)
    # Of those that are gone, signatures that name the device of today.
    renumbered: dict[str, str] = field(default_factory=dict)
    found_runs: int = 0

    @property
    def is_other_disk(self) -> bool:
        """Whether there is no run folder at all, and that is no wonder."""
        return bool(self.out_of_reach) and not (self.found_runs or self.gone)

    def __iter__(self) -> Iterator[Batch]:
        """Raises OSError if the root itself can't be read."""
        looks: list[Look] = []
        done = 0
        handed_over = time.monotonic()
        for candidate in self.walk:
            done += 1
            if look := self._visit(candidate):
                looks.append(look)
            if len(looks) >= BATCH or time.monotonic() - handed_over > BATCH_S:
                yield Batch(tuple(looks), done, done + self.walk.pending)
                looks = []
                handed_over = time.monotonic()
        known = self.settled.keys() | self.live.keys()
        missed = known - self.seen
        numbers = self._new_numbers() if missed else {}
        for path in missed:
            self._miss(path, numbers)
            if time.monotonic() - handed_over > BATCH_S:
                yield Batch((), done, done)
                handed_over = time.monotonic()
        yield Batch(tuple(looks), done, done, is_last=True)

    def _miss(self, path: str, numbers: Mapping[Place, int]) -> None:
        """Say why the walk has not come to a known run folder."""
        if not is_absent(path):
            if not self.walk.covers(path):
                self.uncovered.append(path)
            return
        signature = self._signature(path)
        before = device_of(signature)
        where = os.path.dirname(os.path.realpath(path))
        device = numbers.get((where, before), before)
        if not is_gone(self.walk.root, path, device):
            self.out_of_reach.append(path)
            return
        self.gone.append(path)
        if device is not None and device != before:
            self.renumbered[path] = with_device(signature, device)

    def _new_numbers(self) -> dict[Place, int]:
        """(directory, device that run folders in it had) -> its device now.

        Mounting a network disk again changes its number. What is still there
        proves that it is the same disk.
        """
        numbers: dict[Place, int] = {}
        places = {
            (os.path.dirname(path), device_of(self._signature(path)))
            for path in self.seen
        }
        for directory, before in places:
            with suppress(OSError):
                now = os.stat(directory).st_dev  # noqa: PTH116
                numbers[os.path.realpath(directory), before] = now
        return numbers

    def _signature(self, path: str) -> str:
        before = self.live.get(path)
        return self.settled[path] if before is None else before.signature

    def _visit(self, candidate: Candidate) -> Look | None:
        path = candidate.path
        before = self.live.get(path)
        signature = self.settled.get(path)
        if signature is not None:
            if is_unchanged(path, signature):
                self.seen.add(path)
                candidate.is_run = True
                self.found_runs += 1
                return None
            before = Before(signature)
        try:
            look = self.looker.look_at(path, before)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except Unreadable as error:
            self.walk.unreadable[path] = str(error)
            return None
        if before is not None:
            self.seen.add(path)
        candidate.is_run = look is not None
        self.found_runs += candidate.is_run
        return look
