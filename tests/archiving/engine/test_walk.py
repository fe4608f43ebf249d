from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from archiving.engine.exclusion import Exclusions
from archiving.engine.members import Kind
from archiving.engine.walk import LeftOut, Reason, Survey, survey, walk

from .trees import make_socket, make_tree, scan, tar

NOTHING = Exclusions([])


def _small(parent: Path) -> Path:
    run = parent / "RUN"
    (run / "Thumbnail_Images" / "L001").mkdir(parents=True)
    (run / "Thumbnail_Images" / "L001" / "a.jpg").write_bytes(b"12345")
    (run / "Thumbnail_Images" / "b.jpg").write_bytes(b"123")
    (run / "RunInfo.xml").write_bytes(b"1234567")
    (run / "RunInfo.again").hardlink_to(run / "RunInfo.xml")
    return run


def test_it_yields_what_tar_writes_in_tars_order(tmp_path: Path) -> None:
    run = make_tree(tmp_path)

    walked = [entry.name for entry in walk(run, NOTHING) if entry.left_out is None]

    assert walked == [member.name for member in scan(tar(run))]


def test_a_directorys_content_comes_before_its_longer_siblings(tmp_path: Path) -> None:
    run = tmp_path / "r"
    for name in ("a", "a b", "a.b", "ab"):
        (run / name).mkdir(parents=True)
        (run / name / "x").touch()

    names = [entry.name.decode() for entry in walk(run, NOTHING)]

    assert names == [
        "r",
        "r/a",
        "r/a/x",
        "r/a b",
        "r/a b/x",
        "r/a.b",
        "r/a.b/x",
        "r/ab",
        "r/ab/x",
    ]


def test_it_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to("../elsewhere")

    entries = list(walk(tmp_path / "run", NOTHING))

    assert [entry.name for entry in entries] == [b"run", b"run/link"]
    assert stat.S_ISLNK(entries[1].status.st_mode)


def test_what_is_excluded_is_told_once_with_all_below_it(tmp_path: Path) -> None:
    entries = list(walk(_small(tmp_path), Exclusions(["Thumbnail_Images", "*.xml"])))

    assert [entry.left_out for entry in entries if entry.left_out] == [
        LeftOut(b"RUN/RunInfo.xml", Reason.EXCLUDED, 1, 7),
        LeftOut(b"RUN/Thumbnail_Images", Reason.EXCLUDED, 2, 8),
    ]
    assert [entry.name for entry in entries if not entry.left_out] == [
        b"RUN",
        b"RUN/RunInfo.again",
    ]


def test_a_socket_is_left_out(tmp_path: Path) -> None:
    run = _small(tmp_path)
    make_socket(run / "control")

    left_out = [entry.left_out for entry in walk(run, NOTHING) if entry.left_out]

    assert left_out == [LeftOut(b"RUN/control", Reason.SOCKET)]


def test_a_survey_counts_as_the_archive_will(tmp_path: Path) -> None:
    run = make_tree(tmp_path)
    sealed = scan(tar(run, "--exclude=sparse"))
    files = [member for member in sealed if member.kind == Kind.FILE]
    left_out: list[LeftOut] = []

    found = survey(run, Exclusions(["sparse"]), left_out.append)

    assert found == Survey(
        entries=len(sealed),
        files=len(files),
        size_bytes=sum(member.size for member in files),
        left_out=2,
        left_out_files=1,
        left_out_bytes=3_000_000,
        fingerprint=found.fingerprint,
    )
    assert [x.reason for x in left_out] == [Reason.SOCKET, Reason.EXCLUDED]


def _rewrite(run: Path) -> None:
    """The same size, and in the end the same time."""
    file = run / "file"
    before = file.stat()
    file.write_bytes(b"B" * before.st_size)
    # The kernel's clock has ticks.
    while file.stat().st_ctime_ns == before.st_ctime_ns:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _exchange(run: Path) -> None:
    before = (run / "file").stat()
    (run / "new").write_bytes(b"B" * before.st_size)
    (run / "new").replace(run / "file")
    os.utime(run / "file", ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [_rewrite, _exchange])
def test_a_change_that_no_time_tells_has_another_fingerprint(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    (tmp_path / "file").write_bytes(b"A" * 10)
    (tmp_path / "link").symlink_to("nowhere")

    def look() -> str:
        return survey(tmp_path, NOTHING, lambda _: None).fingerprint

    before = look()
    assert look() == before
    change(tmp_path)
    assert look() != before


def test_a_survey_tells_how_far_it_is(tmp_path: Path) -> None:
    for index in range(2500):
        (tmp_path / f"{index:04}").write_bytes(b"12")
    ticks: list[tuple[int, int]] = []

    survey(tmp_path, NOTHING, lambda _: None, lambda *seen: ticks.append(seen))

    assert ticks == [(1000, 1996), (2000, 3996)]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(tmp_path / "gone", NOTHING))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    run = _small(tmp_path)
    (run / "Thumbnail_Images").chmod(0)

    with pytest.raises(PermissionError):
        list(walk(run, NOTHING))

    assert list(walk(run, Exclusions(["Thumbnail_Images"])))
