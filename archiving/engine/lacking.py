"""What an older archive of a run holds that a newer one does not."""

from __future__ import annotations

from collections.abc import Iterator

from archiving.engine.members import Member
from archiving.engine.walk import position


def lacking(new: Iterator[Member], old: Iterator[Member]) -> Iterator[bytes]:
    """The names of `old` that `new` has not. Both come as manifests give them, and
    are read side by side: neither is kept in memory."""
    candidate = next(new, None)
    for member in old:
        place = position(member.name)
        while candidate is not None and position(candidate.name) < place:
            candidate = next(new, None)
        if candidate is None or candidate.name != member.name:
            yield member.name
