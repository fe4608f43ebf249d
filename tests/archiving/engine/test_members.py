from __future__ import annotations

import pytest

from archiving.engine.members import shown


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        (b"Data/L001 a", "Data/L001 a"),
        ("Prøbe/試料".encode(), "Prøbe/試料"),
        (b"Prob\xe5", "Prob\\xe5"),
        (b"\x1b[2Jgone", "\\x1b[2Jgone"),
        (b"a\nERROR b\r\t\x7f", "a\\x0aERROR b\\x0d\\x09\\x7f"),
        # The escape character of eight bits, and one that turns the line around.
        ("\x9b2J \u202efdp".encode(), "\\xc2\\x9b2J \\xe2\\x80\\xaefdp"),
    ],
)
def test_a_name_is_shown_without_what_moves_a_cursor(name: bytes, seen: str) -> None:
    assert shown(name) == seen
    assert shown(name).isprintable()
