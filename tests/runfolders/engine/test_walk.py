"""Finding candidates below a root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runfolders.conf import DEFAULT_IGNORE
from runfolders.engine.walk import Walk


def paths(root: Path, depth: int = 1, *, runs: tuple[str, ...] = ()) -> list[str]:
    """Yielded paths, relative; names in `runs` are taken for runs."""
    walk = Walk(str(root), depth, DEFAULT_IGNORE)
    found = []
    for candidate in walk:
        found.append(os.path.relpath(candidate.path, root))
        candidate.is_run = os.path.basename(candidate.path) in runs
    return found


def test_plain_files_hidden_and_ignored_directories_are_passed_over(
    tmp_path: Path,
) -> None:
    for name in ("run", ".hidden", "nosync", "lost+found", "run~", "#recycle"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    assert paths(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, ["a"]),
        (2, ["a", "a/b"]),
        (3, ["a", "a/b", "a/b/c"]),
    ],
)
def test_it_goes_as_deep_as_it_is_told(
    tmp_path: Path, depth: int, expected: list[str]
) -> None:
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    assert paths(tmp_path, depth) == expected


def test_it_never_looks_inside_a_run(tmp_path: Path) -> None:
    (tmp_path / "novaseq/run/Data").mkdir(parents=True)
    (tmp_path / "miseq").mkdir()
    found = paths(tmp_path, 3, runs=("run",))
    assert found == ["miseq", "novaseq", "novaseq/run"]


def test_links_are_followed_below_the_root_only(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "run").mkdir(parents=True)
    root = tmp_path / "root"
    (root / "novaseq").mkdir(parents=True)
    (root / "linked").symlink_to(elsewhere)
    (root / "novaseq" / "deeper").symlink_to(elsewhere / "run")
    assert paths(root, 2) == ["linked", "novaseq", "linked/run"]


def test_loops_dangling_links_and_second_ways_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "again").symlink_to(tmp_path / "real")
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "plain").symlink_to("/etc/hostname")
    assert paths(tmp_path, 3) == ["real"]


def test_a_link_to_what_lies_deeper_is_not_another_run(tmp_path: Path) -> None:
    (tmp_path / "novaseq" / "run").mkdir(parents=True)
    (tmp_path / "shortcut").symlink_to(tmp_path / "novaseq" / "run")
    assert len(paths(tmp_path, 2, runs=("run", "shortcut"))) == 2


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "run").mkdir(parents=True)
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert paths(tmp_path / "root") == ["run"]


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        paths(tmp_path / "nothing")


def test_a_root_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        paths(tmp_path / "file")


def test_a_directory_that_is_gone_or_closed_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a" / "run").mkdir(parents=True)
    (tmp_path / "b" / "run").mkdir(parents=True)
    walk = Walk(str(tmp_path), 2, DEFAULT_IGNORE)
    found = []
    for candidate in walk:
        found.append(candidate.path)
        if candidate.path.endswith("/a"):
            (tmp_path / "a").rename(tmp_path / "c")
    assert str(tmp_path / "b" / "run") in found
    assert list(walk.unreadable) == [str(tmp_path / "a")]


def test_directories_with_one_inode_number_are_all_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on FUSE mounts, which can't be had here."""

    class Entry:
        def __init__(self, entry: os.DirEntry[str]) -> None:
            self.name, self.path = entry.name, entry.path
            self.is_dir, self.is_symlink = entry.is_dir, entry.is_symlink

        def inode(self) -> int:
            return 0xFFFFFFFF

    scandir = os.scandir

    @contextmanager
    def without_inodes(path: str) -> Iterator[list[Entry]]:
        with scandir(path) as entries:
            yield [Entry(entry) for entry in entries]

    for name in "abc":
        (tmp_path / name / "run").mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", without_inodes)
    assert len(paths(tmp_path, 2)) == 6


def test_of_links_to_one_place_and_what_is_in_it_one_is_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "disk" / "run").mkdir(parents=True)
    root = tmp_path / "root"
    root.mkdir()
    for name in ("b", "a"):
        (root / name).symlink_to(tmp_path / "disk")
    (root / "0").symlink_to(tmp_path / "disk" / "run")
    assert paths(root, 2) == ["a", "a/run"]
    assert paths(root, 1) == ["0", "a"]


@pytest.mark.parametrize(
    ("path", "is_covered"),
    [
        ("a", True),
        ("a/b", True),
        ("a/b/c", False),
        ("nosync", False),
        ("nosync/b", False),
        ("a/.b", False),
        ("linked", True),
        ("linked/b", True),
        ("a/linked", False),
        ("again", False),
        ("", False),
        ("../elsewhere", False),
    ],
)
def test_it_says_where_it_comes(tmp_path: Path, path: str, is_covered: bool) -> None:
    root = tmp_path / "root"
    (root / "a" / "b" / "c").mkdir(parents=True)
    (root / "nosync" / "b").mkdir(parents=True)
    (tmp_path / "elsewhere" / "b").mkdir(parents=True)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "again").symlink_to(root / "a")
    walk = Walk(str(root), 2, DEFAULT_IGNORE)
    assert walk.covers(os.path.normpath(f"{root}/{path}")) == is_covered
