"""One pass over a root: what changed, what is new, what is gone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .absence import is_absent
from .facts import Unreadable
from .listing import device_of, is_unchanged
from .look import Before, Look, Looker
from .walk import Candidate, Walk

# Looks are handed over so many at a time, or after so long; a sign of life too.
BATCH = 200
BATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    looks: tuple[Look, ...]
    done: int  # directories so far
    total: int  # of as many as are known of


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
    is_other_disk: bool = False
    found_runs: int = 0

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
        for path in known - self.seen:
            if is_absent(path):
                self.gone.append(path)
            if time.monotonic() - handed_over > BATCH_S:
                yield Batch((), done, done)
                handed_over = time.monotonic()
        if known and not self.found_runs and len(self.gone) == len(known):
            self.is_other_disk = self._is_other_disk()
        yield Batch(tuple(looks), done, done)

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

    def _is_other_disk(self) -> bool:
        """Whether it is no wonder that there is no run folder at all: the root is
        empty, or lies on a file system that none of the known ones was on."""
        signatures = [*self.settled.values()]
        signatures += [before.signature for before in self.live.values()]
        devices = {device_of(signature) for signature in signatures}
        return self.walk.is_empty or self.walk.device not in devices
