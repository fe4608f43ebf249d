from __future__ import annotations

import pytest

from archiving.engine.lacking import lacking
from archiving.engine.members import Kind, Member


def members(names: list[bytes]) -> list[Member]:
    return [Member(name, Kind.FILE, 0o644, 0, 0, b"", "a" * 64) for name in names]


@pytest.mark.parametrize(
    ("new", "old", "lost"),
    [
        ([b"R", b"R/a"], [b"R", b"R/a"], []),
        ([b"R", b"R/a", b"R/b"], [b"R", b"R/b"], []),
        ([b"R", b"R/b"], [b"R", b"R/a", b"R/b", b"R/c"], [b"R/a", b"R/c"]),
        ([], [b"R", b"R/a"], [b"R", b"R/a"]),
        # What is in a directory comes before its longer siblings.
        ([b"R/a", b"R/a/z", b"R/a.b"], [b"R/a", b"R/a/y", b"R/a.b"], [b"R/a/y"]),
        ([b"R/a", b"R/a.b"], [b"R/a", b"R/a/z", b"R/a.b"], [b"R/a/z"]),
    ],
)
def test_it_names_what_only_the_old_one_has(
    new: list[bytes], old: list[bytes], lost: list[bytes]
) -> None:
    assert list(lacking(iter(members(new)), iter(members(old)))) == lost
