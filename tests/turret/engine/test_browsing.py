from __future__ import annotations

import errno
import io
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from turret.engine import browsing
from turret.engine.browsing import Entry, Roots, browse, read_text
from turret.engine.placing import is_name, make_directory, save, write_text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With a directory and a file in it; beside it is what nobody may see."""
    root = tmp_path / "root"
    (root / "runs").mkdir(parents=True)
    (root / "sheet.csv").write_text("sample\n")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("key")
    (tmp_path / "secret" / "nextflow.config").write_text("key")
    return root


@pytest.fixture
def roots(root: Path) -> Roots:
    return Roots([root])


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def put(roots: Roots, directory: Path, name: str, data: bytes = b"x") -> str:
    return save(roots, str(directory), name, io.BytesIO(data), 1000)[0]


def test_directories_come_first(root: Path, roots: Roots) -> None:
    (root / "Zoo").mkdir()
    (root / "a.txt").touch()
    found = browse(roots, str(root))
    assert names(found.entries) == ["runs", "Zoo", "a.txt", "sheet.csv"]
    assert (found.path, found.parent, found.is_whole) == (str(root), None, True)
    file = found.entries[-1]
    assert (file.path, file.size_bytes) == (str(root / "sheet.csv"), 7)
    assert file.modified_s == (root / "sheet.csv").stat().st_mtime
    assert found.entries[0].size_bytes is None
    assert browse(roots, f"{root}/runs/").parent == str(root)


@pytest.mark.parametrize(
    "path",
    ["/", "/etc", "{root}/..", "{root}/../secret", "{root}/out", "{root}/out/key"],
)
@pytest.mark.parametrize(
    "action",
    [
        browse,
        lambda roots, path: read_text(roots, path, 100),
        lambda roots, path: make_directory(roots, f"{path}/new"),
        lambda roots, path: write_text(roots, f"{path}/nextflow.config", "x"),
        lambda roots, path: put(roots, path, "new"),
    ],
)
def test_nothing_leads_out_of_the_roots(
    action: Callable[[Roots, str], object], path: str, root: Path, roots: Roots
) -> None:
    (root / "out").symlink_to("../secret")
    before = sorted((root.parent / "secret").iterdir())
    with pytest.raises(browsing.Outside):
        action(roots, path.format(root=root))
    assert sorted((root.parent / "secret").iterdir()) == before
    assert (root.parent / "secret" / "nextflow.config").read_text() == "key"


def test_a_root_is_no_prefix_of_a_name(root: Path, roots: Roots) -> None:
    root.with_name("root2").mkdir()
    with pytest.raises(browsing.Outside):
        browse(roots, str(root.with_name("root2")))


@pytest.mark.parametrize(
    "path", ["", "runs", "{root}/a\0b", "{root}/a\udcff", "\0", "./{root}"]
)
def test_a_path_is_absolute_text(path: str, root: Path, roots: Roots) -> None:
    with pytest.raises(browsing.Unfit):
        browse(roots, path.format(root=root))


def test_hidden_and_special_things_are_not_there(root: Path, roots: Roots) -> None:
    (root / ".ssh").mkdir()
    (root / ".ssh" / "id").write_text("key")
    (root / "way").symlink_to(".ssh")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
    (root / "null").symlink_to("/dev/null")
    (root / "out").symlink_to("../secret/key")
    (root / "round").symlink_to("round")
    assert names(browse(roots, str(root)).entries) == ["runs", "sheet.csv"]
    for path in (".ssh", "way", ".ssh/id", "way/id"):
        with pytest.raises(browsing.Missing):
            browse(roots, str(root / path))
    with pytest.raises(browsing.Unfit):
        read_text(roots, str(root / "pipe"), 100)


def test_a_link_within_the_roots_is_followed(root: Path, roots: Roots) -> None:
    (root / "latest").symlink_to("runs")
    (root / "runs" / "a.csv").write_text("a")
    (root / "sheet").symlink_to(root / "runs" / "a.csv")
    found = {entry.name: entry for entry in browse(roots, str(root)).entries}
    assert found["latest"].is_dir
    assert found["sheet"].size_bytes == 1
    assert names(browse(roots, str(root / "latest")).entries) == ["a.csv"]


def test_a_link_that_leads_nowhere_is_told(root: Path, roots: Roots) -> None:
    (root / "broken").symlink_to("nowhere")
    found = {entry.name: entry for entry in browse(roots, str(root)).entries}
    assert found["broken"].error == "No such file or directory."


def test_a_root_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(root)
    found = browse(Roots([tmp_path / "data"]), str(tmp_path / "data"))
    assert found.entries[0].path == str(tmp_path / "data" / "runs")
    assert found.parent is None


def test_a_directory_exchanged_for_a_link_leads_nowhere(
    root: Path, roots: Roots
) -> None:
    place = roots.find(str(root / "runs"))
    (root / "runs").rmdir()
    (root / "runs").symlink_to("../secret")
    with pytest.raises(browsing.Unfit), browsing.opened(place):
        pass


def test_what_is_never_shown_is_not_shown(root: Path) -> None:
    (root / "var" / "keys").mkdir(parents=True)
    (root / "way").symlink_to("var/keys")
    roots = Roots([root], [root / "var"])
    assert names(browse(roots, str(root)).entries) == ["runs", "sheet.csv"]
    for path in ("var", "var/keys", "way", "runs/../var"):
        with pytest.raises(browsing.Outside):
            browse(roots, f"{root}/{path}")
        with pytest.raises(browsing.Outside):
            put(roots, root / path, "new")


def test_a_huge_directory_is_shown_in_part(
    root: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        (root / "runs" / f"{number}").touch()
    monkeypatch.setattr(browsing, "MOST_ENTRIES", 10)
    found = browse(roots, str(root / "runs"))
    assert (len(found.entries), found.is_whole) == (10, False)
    monkeypatch.setattr(browsing, "MOST_ENTRIES", 12)
    assert browse(roots, str(root / "runs")).is_whole
    monkeypatch.setattr(browsing, "MOST_NAMES", 11)
    assert not browse(roots, str(root / "runs")).is_whole


def test_a_name_that_is_no_text_is_told(root: Path, roots: Roots) -> None:
    (root / "runs" / os.fsdecode(b"a\xff")).touch()
    (entry,) = browse(roots, str(root / "runs")).entries
    assert (entry.name, entry.error) == ("a?", "Its name is no text.")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.csv", True),
        ("å b", True),
        ("", False),
        (" ", False),
        (".", False),
        ("..", False),
        (".bashrc", False),
        ("a/b", False),
        ("a\nb", False),
        ("a\0b", False),
        ("a\udcff", False),
        ("\u202egnp.exe", False),
        ("å" * 128, False),
        ("a" * 255, True),
    ],
)
def test_names_are_plain(name: str, wanted: bool) -> None:
    assert is_name(name) is wanted


def test_a_file_that_is_there_is_never_replaced(root: Path, roots: Roots) -> None:
    paths = [put(roots, root, "sheet.csv", b"new") for _ in range(2)]
    assert paths == [str(root / "sheet_1.csv"), str(root / "sheet_2.csv")]
    assert (root / "sheet.csv").read_text() == "sample\n"
    (root / "link.csv").symlink_to("../secret/new")
    assert put(roots, root, "link.csv") == str(root / "link_1.csv")
    assert put(roots, root, "runs") == str(root / "runs_1")
    assert not (root.parent / "secret" / "new").exists()


def test_nothing_is_left_of_a_file_that_is_too_large(root: Path, roots: Roots) -> None:
    with pytest.raises(browsing.Full):
        put(roots, root / "runs", "big", b"x" * 1001)
    assert list((root / "runs").iterdir()) == []
    assert Path(put(roots, root / "runs", "fits", b"x" * 1000)).stat().st_size == 1000


def test_nothing_is_left_when_the_disk_is_full(root: Path, roots: Roots) -> None:
    class Failing:
        """As a sender, or a disk, that fails midway."""

        def read(self, size: int, /) -> bytes:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(browsing.Full):
        save(roots, str(root / "runs"), "a", Failing(), 1000)
    assert list((root / "runs").iterdir()) == []


def test_a_file_is_whole_before_it_has_its_name(
    root: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that kill -9 at any moment leaves nothing that looks like it."""
    seen: list[str] = []
    link = os.link

    def watched(*args: Any, **options: Any) -> None:
        seen.extend(path.name for path in (root / "runs").iterdir())
        link(*args, **options)

    monkeypatch.setattr(os, "link", watched)
    put(roots, root / "runs", "a.csv")
    assert [name[0] for name in seen] == ["."]
    assert names(browse(roots, f"{root}/runs").entries) == ["a.csv"]


def test_a_disk_may_know_one_name_a_file_only(
    root: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*args: Any, **options: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    for name in ("sheet_1.csv", "sheet_2.csv"):
        assert put(roots, root, "sheet.csv", b"new") == str(root / name)
        assert (root / name).read_bytes() == b"new"
    assert (root / "sheet.csv").read_text() == "sample\n"


def test_a_file_that_is_exchanged_for_a_link_leads_nowhere(
    root: Path, roots: Roots
) -> None:
    class Exchanging(io.BytesIO):
        """While it is read, somebody replaces what is written."""

        def read(self, size: int | None = -1, /) -> bytes:
            if data := super().read(size):
                return data
            (partial,) = (root / "runs").iterdir()
            partial.unlink()
            partial.symlink_to(root.parent / "secret" / "key")
            return b""

    save(roots, f"{root}/runs", "a.config", Exchanging(b"x"), 1000)
    assert (root.parent / "secret" / "key").stat().st_nlink == 1
    with pytest.raises(browsing.Refused):
        read_text(roots, f"{root}/runs/a.config", 1000)


def test_directories_are_made_once(root: Path, roots: Roots) -> None:
    assert make_directory(roots, f"{root}/runs/new/") == str(root / "runs" / "new")
    assert (root / "runs" / "new").is_dir()
    for taken in ("runs", "sheet.csv"):
        with pytest.raises(browsing.Taken):
            make_directory(roots, f"{root}/{taken}")
    with pytest.raises(browsing.Missing):
        make_directory(roots, f"{root}/none/new")
    with pytest.raises(browsing.Unfit):
        make_directory(roots, f"{root}/sheet.csv/new")


def test_a_text_is_written_whole(root: Path, roots: Roots) -> None:
    path = str(root / "nextflow.config")
    assert write_text(roots, path, "a = 'å'\n") == path
    assert write_text(roots, path, "b") == path
    assert read_text(roots, path, 1) == "b"
    assert names(browse(roots, str(root)).entries)[1:] == [
        "nextflow.config",
        "sheet.csv",
    ]
    assert not list(root.glob(".*"))
    with pytest.raises(browsing.Full):
        read_text(roots, str(root / "sheet.csv"), 6)
    (root / "nextflow.config").unlink()
    (root / "nextflow.config").symlink_to("sheet.csv")
    with pytest.raises(browsing.Unfit):
        write_text(roots, path, "c")
    assert (root / "sheet.csv").read_text() == "sample\n"


@pytest.mark.parametrize("path", ["none", "none/deeper", "x" * 300, "x/" * 2000])
def test_what_is_not_there_is_missing(path: str, root: Path, roots: Roots) -> None:
    with pytest.raises((browsing.Missing, browsing.Unusable)):
        browse(roots, f"{root}/{path}")
