"""Looking at the top level of a folder, and knowing that it is the same."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from runfolders.engine import listing
from runfolders.engine.listing import (
    device_of,
    has_same_content,
    inode_of,
    is_unchanged,
    list_folder,
    mark_unsure,
    with_device,
)
from tests.runfolders.runs import age


def watched(name: str) -> bool:
    return name.endswith((".xml", ".txt"))


def sign(folder: Path) -> str:
    return list_folder(folder, watched)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that was left alone for a minute."""
    path = tmp_path / "run"
    path.mkdir()
    (path / "RunInfo.xml").write_text("<a/>")
    (path / "Data").mkdir()
    age(path)
    return path


def test_it_lists_watched_files_and_directories(folder: Path) -> None:
    (folder / "notes.doc").touch()
    (folder / ".hidden").mkdir()
    (folder / "link").symlink_to(folder / "Data")
    found, _ = list_folder(folder, watched)
    assert set(found.files) == {"runinfo.xml"}
    assert found.directories == {"Data", "link"}
    file = found.file("RunInfo.xml")
    assert file is not None
    assert (file.name, file.size_bytes) == ("RunInfo.xml", 4)
    assert file.inode == (folder / "RunInfo.xml").stat().st_ino


def test_what_is_no_regular_file_does_not_count(folder: Path) -> None:
    os.mkfifo(folder / "fifo.txt")
    (folder / "directory.txt").mkdir()
    (folder / "dangling.txt").symlink_to(folder / "nothing")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "good.txt").symlink_to(folder / "RunInfo.xml")
    found, _ = list_folder(folder, watched)
    assert set(found.files) == {"runinfo.xml", "good.txt"}
    assert "loop" not in found.directories
    assert found.irregular == {
        "fifo.txt": "fifo.txt is no regular file (a named pipe).",
        "directory.txt": "directory.txt is no regular file (a directory).",
        "dangling.txt": "dangling.txt is no regular file (a link to nothing).",
        "loop.txt": "loop.txt is no regular file (a loop of links).",
    }


def test_another_spelling_that_is_a_file_wins(folder: Path) -> None:
    os.mkfifo(folder / "RUNINFO.XML")
    found, _ = list_folder(folder, watched)
    assert (set(found.files), found.irregular) == ({"runinfo.xml"}, {})


def test_a_link_whose_target_appears_is_a_change(folder: Path, tmp_path: Path) -> None:
    (folder / "late.txt").symlink_to(tmp_path / "late")
    for path in (folder / "RunInfo.xml", folder / "Data", folder):
        os.utime(path, (1000, 1000))
    before = sign(folder)
    assert has_same_content(before, sign(folder))
    (tmp_path / "late").touch()
    assert not is_unchanged(str(folder), before)
    assert not has_same_content(before, sign(folder))


@pytest.mark.parametrize(
    ("bound", "name"), [("MAX_ENTRIES", "{}.dat"), ("MAX_KEPT", "{}.txt")]
)
def test_a_directory_with_too_many_entries_is_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bound: str, name: str
) -> None:
    monkeypatch.setattr(listing, bound, 10)
    for number in range(20):
        (folder / name.format(number)).touch()
    found, _ = list_folder(folder, watched)
    assert found.truncated
    assert len(found.files) <= 10


def test_a_signature_can_be_moved_to_another_device(folder: Path) -> None:
    signature = mark_unsure(sign(folder))
    moved = with_device(signature, 7)
    assert (device_of(moved), inode_of(moved)) == (7, inode_of(signature))
    assert moved.split("\n")[1:] == signature.split("\n")[1:]
    assert moved.split("\n")[0].endswith(" unsure")


def test_files_that_do_not_matter_hide_none_that_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_KEPT", 10)
    for number in range(50):
        (folder / f"{number}.fastq.gz").touch()
    found, _ = list_folder(folder, watched)
    assert not found.truncated
    assert set(found.files) == {"runinfo.xml"}
    assert found.directories == {"Data"}


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sign(tmp_path / "nothing")


def test_a_folder_that_was_left_alone_is_unchanged(folder: Path) -> None:
    assert is_unchanged(str(folder), sign(folder))


def _add(folder: Path) -> None:
    (folder / "RTAComplete.txt").touch()
    age(folder, 30)


def _grow(folder: Path) -> None:
    (folder / "RunInfo.xml").write_text("<aa/>")


def _touch(folder: Path) -> None:
    os.utime(folder / "RunInfo.xml", (1, 1))


def _rewrite(folder: Path) -> None:
    # Same size, same inode, its time set back: only the ctime tells.
    file = folder / "RunInfo.xml"
    before = file.stat()
    file.write_text("<b/>")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(folder: Path) -> None:
    # Same size, same time: only the inode tells.
    before = (folder / "RunInfo.xml").stat()
    other = folder.parent / "other"
    other.write_text("<b/>")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    of_folder = folder.stat()
    other.replace(folder / "RunInfo.xml")
    os.utime(folder, ns=(of_folder.st_atime_ns, of_folder.st_mtime_ns))


def _remove(folder: Path) -> None:
    (folder / "RunInfo.xml").unlink()
    age(folder)


def _remove_all(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize(
    "change", [_add, _grow, _touch, _rewrite, _replace, _remove, _remove_all]
)
def test_every_change_is_seen(folder: Path, change: object) -> None:
    before = sign(folder)
    assert callable(change)
    change(folder)
    assert not is_unchanged(str(folder), before)


def test_a_folder_that_changed_just_now_is_looked_at_again(folder: Path) -> None:
    (folder / "RTAComplete.txt").touch()
    racy = sign(folder)
    assert not is_unchanged(str(folder), racy)
    assert not has_same_content(racy, sign(folder))


def test_a_stamp_of_the_far_future_does_not_make_a_folder_racy_for_ever(
    folder: Path,
) -> None:
    ahead = time.time() + 86_400
    os.utime(folder / "RunInfo.xml", (ahead, ahead))
    assert is_unchanged(str(folder), sign(folder))


def test_the_same_files_in_a_directory_that_was_touched_are_the_same_content(
    folder: Path,
) -> None:
    before = sign(folder)
    os.utime(folder, (1_000_000, 1_000_000))
    assert not is_unchanged(str(folder), before)
    assert has_same_content(before, sign(folder))


def test_a_new_directory_is_new_content(folder: Path) -> None:
    before = sign(folder)
    (folder / "Analysis").mkdir()
    age(folder)
    assert not has_same_content(before, sign(folder))


def test_an_empty_or_racy_signature_is_like_no_other(folder: Path) -> None:
    signature = sign(folder)
    assert not has_same_content("", "")
    assert not is_unchanged(str(folder), "")
    assert not is_unchanged(str(folder), mark_unsure(signature))
    assert not has_same_content(mark_unsure(signature), signature)
    assert mark_unsure(mark_unsure(signature)) == mark_unsure(signature)


@pytest.mark.parametrize(
    "name", ["a\nb.txt", '"quoted".txt', "sp ace\t.txt", b"\xe5.txt", "-rf.txt"]
)
def test_names_of_all_kinds_are_signed(folder: Path, name: str | bytes) -> None:
    (folder / os.fsdecode(name)).touch()
    age(folder)
    signature = sign(folder)
    assert is_unchanged(str(folder), signature)
    # It can be stored: no lone surrogate.
    assert signature.encode()
    assert inode_of(signature) == folder.stat().st_ino
