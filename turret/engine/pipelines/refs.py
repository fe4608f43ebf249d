"""Branches and tags of a repository."""

from __future__ import annotations

import re
from dataclasses import dataclass

from turret.engine.pipelines.sources import check_revision

MOST_REFS = 2_000


@dataclass(frozen=True, slots=True)
class Refs:
    """What can be named as a revision; the newest version, by its number, first."""

    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    # Of the branches; empty: the repository is, or says none.
    default: str = ""


def parse_refs(said: str) -> Refs:
    """What `git ls-remote --symref` prints; names that can't be asked for are left
    out."""
    default = ""
    names: dict[str, list[str]] = {"refs/heads/": [], "refs/tags/": []}
    for line in said.splitlines():
        what, _, name = line.partition("\t")
        if what.startswith("ref: refs/heads/") and name == "HEAD":
            default = what.removeprefix("ref: refs/heads/")
        for prefix, found in names.items():
            if name.startswith(prefix) and _can_be_asked(name.removeprefix(prefix)):
                found.append(name.removeprefix(prefix))
    branches, tags = names.values()
    branches.sort(key=lambda name: (name != default, name))
    tags.sort(key=_version, reverse=True)
    return Refs(tuple(branches[:MOST_REFS]), tuple(tags[:MOST_REFS]), default)


def _can_be_asked(name: str) -> bool:
    try:
        return check_revision(name) == name
    except ValueError:
        return False


def _version(name: str) -> list[tuple[int, int, str]]:
    """1.10 comes after 1.9, 1.0 after 1.0-rc, and v1.0 is 1.0."""
    parts = re.findall(r"\d{1,18}|[^\d.]+", re.sub(r"^v(?=\d)", "", name))
    keys = [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
    return [*keys, (1, -1, "")]
