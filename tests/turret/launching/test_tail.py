"""Logs, whatever they hold and however long they are."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from turret.engine.launching.tail import MAX_BYTES, read_from, tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "output.log"


@pytest.mark.parametrize(
    ("text", "lines", "last"),
    [
        ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc", 2, "b\nc"),
        ("a\nb\r10%\r20%\nc\n", 2, "b\r10%\r20%\nc\n"),
        ("a\n", 5, "a\n"),
        ("", 5, ""),
        ("a\nb\n", 0, ""),
        ("a\0b\n", 1, "a�b\n"),
    ],
)
def test_the_last_lines(log: Path, text: str, lines: int, last: str) -> None:
    log.write_text(text, newline="")
    assert tail(log, lines=lines) == last


def test_lines_go_over_blocks(log: Path) -> None:
    lines = [f"{number}: {'x' * 150}\n" for number in range(5_000)]
    log.write_text("".join(lines))
    assert tail(log, lines=2_000) == "".join(lines[-2_000:])


def test_bytes_that_are_no_utf_8_are_shown_as_such(log: Path) -> None:
    log.write_bytes(b"caf\xe9\n\xff\xfe\xc3\n")
    assert tail(log, lines=9) == "caf�\n���\n"
    assert read_from(log, 0, 100) == ("caf�\n���\n", 9)


def test_of_a_huge_log_the_end_alone_is_read(log: Path) -> None:
    with log.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    tracemalloc.start()
    try:
        assert tail(log, lines=1) == "last\n"
        assert len(tail(log, lines=5)) <= MAX_BYTES + (64 << 10)
        assert tracemalloc.get_traced_memory()[1] < 20 * MAX_BYTES
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda _: None])
def test_what_is_no_file_has_no_lines(log: Path, make: object) -> None:
    make(log)  # type: ignore[operator]
    assert tail(log, lines=5) == ""
    assert read_from(log, 7, 100) == ("", 0)


def test_a_link_is_not_followed(log: Path) -> None:
    log.symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic links"):
        tail(log, lines=5)


def test_a_reader_follows_without_cutting_characters(log: Path) -> None:
    log.write_bytes("aå€😀".encode())
    text, offset = "", 0
    for _ in range(20):
        piece, offset = read_from(log, offset, 5)
        text += piece
    assert text == "aå€😀"
    with log.open("ab") as file:
        file.write("é".encode()[:1])
    assert read_from(log, offset, 100) == ("", offset)
    with log.open("ab") as file:
        file.write("é".encode()[1:])
    assert read_from(log, offset, 100)[0] == "é"


def test_a_log_that_was_begun_anew_is_read_anew(log: Path) -> None:
    log.write_text("new\n")
    assert read_from(log, 1_000, 100) == ("new\n", 4)
