from __future__ import annotations

import os
from pathlib import Path

import pytest

from turret.engine.tails import Untold, read_tail, root_of

NAME = ".command.err"
LIMIT = 100


def work_dir(root: Path) -> Path:
    found = root / "ab" / "123456"
    found.mkdir(parents=True)
    return found


def test_the_end_of_a_file_is_read_by_whole_lines(tmp_path: Path) -> None:
    place = work_dir(tmp_path)
    (place / NAME).write_text("".join(f"line {n:03}\n" for n in range(100)))
    tail = read_tail(str(place), NAME, tmp_path, LIMIT)
    assert tail.text.startswith("line 089\n")
    assert tail.text.endswith("line 099\n")
    assert tail.is_cut


def test_a_short_file_is_read_whole(tmp_path: Path) -> None:
    place = work_dir(tmp_path)
    (place / NAME).write_bytes(b"caf\xe9\0")
    tail = read_tail(str(place), NAME, tmp_path, LIMIT)
    assert tail.text == "caf��"
    assert not tail.is_cut


def test_one_endless_line_is_shown_from_its_middle(tmp_path: Path) -> None:
    place = work_dir(tmp_path)
    (place / NAME).write_text("x" * 1000)
    assert read_tail(str(place), NAME, tmp_path, LIMIT).text == "x" * LIMIT


def test_a_root_may_itself_be_a_link(tmp_path: Path) -> None:
    place = work_dir(tmp_path / "disk")
    (place / NAME).write_text("words")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "disk")
    named = str(link / "ab" / "123456")
    assert read_tail(named, NAME, link, LIMIT).text == "words"


def file_link(place: Path, outside: Path) -> None:
    (place / NAME).symlink_to(outside / NAME)


def fifo(place: Path, _outside: Path) -> None:
    os.mkfifo(place / NAME)


def directory(place: Path, _outside: Path) -> None:
    (place / NAME).mkdir()


def nothing(_place: Path, _outside: Path) -> None:
    pass


def no_directory(place: Path, _outside: Path) -> None:
    place.rmdir()


def directory_link(place: Path, outside: Path) -> None:
    place.rmdir()
    place.symlink_to(outside)


@pytest.mark.parametrize(
    "make", [file_link, fifo, directory, nothing, no_directory, directory_link]
)
def test_what_is_no_file_below_the_root_is_not_read(
    tmp_path: Path,
    make: object,
) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    (outside / NAME).write_text("a secret")
    place = work_dir(root)
    assert callable(make)
    make(place, outside)
    with pytest.raises(Untold):
        read_tail(str(place), NAME, root, LIMIT)


@pytest.mark.parametrize(
    ("path", "is_below"),
    [
        ("/data/work/ab/12", True),
        ("/data/work", True),
        ("/data/work/../../etc", False),
        ("/data/worker/ab", False),
        ("s3://data/work/ab", False),
        ("", False),
        ("/data/work/\0", False),
    ],
)
def test_only_what_is_spelled_below_a_root_is_in_reach(
    path: str, is_below: bool
) -> None:
    root = Path("/data/work")
    assert root_of(path, [Path("/other"), root]) == (root if is_below else None)
