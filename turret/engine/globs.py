"""Patterns of relative paths: `*`, `?` and `[...]` in a name, `**` for any names."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path, split at `/`, is like a pattern, split at `/`."""
    if not pattern:
        return not names
    if pattern[0] == "**":
        return any(
            matches(names[skipped:], pattern[1:]) for skipped in range(len(names) + 1)
        )
    if not names or not fnmatchcase(names[0], pattern[0]):
        return False
    return matches(names[1:], pattern[1:])
