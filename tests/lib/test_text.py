"""Text of others."""

from __future__ import annotations

import os

import pytest

from seqhub.lib.text import printable


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a b", "a b"),
        ("a\nb\x1b[2J", "a\\x0ab\\x1b[2J"),
        (os.fsdecode(b"caf\xe9\xff"), "caf\\xe9\\xff"),
        ("\ud800", "\\xed\\xa0\\x80"),
    ],
)
def test_what_can_not_be_printed_stands_as_its_bytes(text: str, seen: str) -> None:
    assert printable(text) == seen
