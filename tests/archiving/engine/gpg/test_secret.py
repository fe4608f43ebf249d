from __future__ import annotations

import os
from pathlib import Path

import pytest

from archiving.engine.gpg.secret import (
    WEAK_BELOW_BYTES,
    effective_strength,
    new_session_key,
    read_key_file,
)
from archiving.errors import Code, Trouble


@pytest.mark.parametrize(
    ("raw", "strength"),
    [
        (b"", 0),
        (b"\nsecret", 0),
        (b"\0secret", 0),
        (b"ab\xff\ncdefghijklmnopqrstuvwxyz", 3),
        (b"\xe5" * 256, 256),
        (b"ab" * 32 + b"\n", 32),
    ],
)
def test_the_strength_of_a_key_is_what_gpg_uses(raw: bytes, strength: int) -> None:
    assert effective_strength(raw) == strength


def test_a_key_of_ours_is_strong_and_new() -> None:
    key = new_session_key()
    assert effective_strength(key) == 32 >= WEAK_BELOW_BYTES
    assert new_session_key() != key


@pytest.mark.parametrize("raw", [b"abc", b"abc\n", b"abc\0def\n", b"abc\ndef"])
def test_a_key_file_is_read_as_gpg_reads_it(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "key").write_bytes(raw)
    assert read_key_file(tmp_path / "key") == b"abc"


@pytest.mark.parametrize("raw", [b"", b"\nabc", b"a" * 70_000])
def test_a_file_without_a_key_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "key").write_bytes(raw)
    with pytest.raises(Trouble) as caught:
        read_key_file(tmp_path / "key")
    assert caught.value.code == Code.WRONG_KEY


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with pytest.raises(Trouble) as caught:
            read_key_file(tmp_path / name)
        assert caught.value.code == Code.NO_SECRET_KEY
