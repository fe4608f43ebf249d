"""What SeqHub asks of a platform module; registry.py lists the modules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .facts import Ending, Listing, RunFacts


@dataclass(frozen=True, slots=True)
class PlatformReader:
    """What SeqHub asks of a platform module.

    claims(listing): is this a run folder of the platform, or the beginning of
        one? Cheap: looks at names only.
    watched(name): does this top-level name (lower case) matter? Only such
        files are stat'ed; their stats are the folder's signature.
    read(listing): metadata. Raises Unreadable.
    markers(listing): completion markers that are there: name as the rules
        spell it -> mtime in seconds since 1970. May look one level deeper
        where the platform keeps markers there, at fixed places only.
    ending(listing): how the run ended; None while nothing says so.
    cycles_done(listing, facts): cycles (or None where the platform has none)
        that every tile has finished, as far as the folder shows.
    """

    key: str  # choices.Platform
    claims: Callable[[Listing], bool]
    watched: Callable[[str], bool]
    read: Callable[[Listing], RunFacts]
    markers: Callable[[Listing], Mapping[str, float]]
    ending: Callable[[Listing], Ending | None]
    cycles_done: Callable[[Listing, RunFacts], int | None]
