"""What goes wrong on disks: one bad folder or root never costs another."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runfolders.choices import Sequencing, State
from runfolders.engine import look as engine_look
from runfolders.engine.registry import reader_for
from runfolders.models import Runfolder
from runfolders.services import recorder
from runfolders.services.observation import observe
from seqhub.operations.models import Attention
from tests.runfolders.runs import NOVASEQ, age, make_run, run_info
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")
BAD = "240131_A00834_0001_BHMTFYDRXX"

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">'
    + "".join(f'<!ENTITY b{n} "{"&b;" * 10}">' for n in range(9))
    + "]><RunInfo><Run Id='&b8;'/></RunInfo>"
).encode()


def _write(content: bytes) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "RunInfo.xml").write_bytes(content)

    return spoil


def _fifo(folder: Path) -> None:
    (folder / "RunInfo.xml").unlink()
    os.mkfifo(folder / "RunInfo.xml")
    (folder / "RunParameters.xml").write_bytes(b"")


def _only_fifo(folder: Path) -> None:
    (folder / "RunInfo.xml").unlink()
    os.mkfifo(folder / "RunInfo.xml")


def _dangling(folder: Path) -> None:
    (folder / "RunInfo.xml").unlink()
    (folder / "RunInfo.xml").symlink_to(folder / "nothing")


def _loop(folder: Path) -> None:
    (folder / "RunInfo.xml").unlink()
    (folder / "RunInfo.xml").symlink_to(folder / "RunInfo.xml")


def _huge(folder: Path) -> None:
    os.truncate(folder / "RunInfo.xml", 30_000_000_000)


WHOLE = run_info(BAD).encode()
BAD_RUN_INFOS = {
    "empty": _write(b""),
    "truncated": _write(WHOLE[: len(WHOLE) // 2]),
    "zeros": _write(b"\0" * 4096),
    "zeros_behind": _write(WHOLE[:50] + b"\0" * 100),
    "entity_bomb": _write(BOMB),
    "deep": _write(b"<a>" * 100_000),
    "huge": _huge,
    "binary": _write(bytes(range(256)) * 10),
    "fifo": _fifo,
    "only_fifo": _only_fifo,
    "dangling": _dangling,
    "loop": _loop,
}


@pytest.mark.parametrize("spoil", BAD_RUN_INFOS.values(), ids=BAD_RUN_INFOS.keys())
def test_a_bad_run_info_is_unreadable_until_it_is_mended(
    root: Path, spoil: Callable[[Path], None]
) -> None:
    good = make_run(root, NOVASEQ, markers=BOTH)
    bad = make_run(root, BAD, markers=BOTH)
    spoil(bad)
    report = scan()
    assert row_of(good).sequencing == Sequencing.COMPLETE
    row = row_of(bad)
    assert (row.sequencing, row.state) == (Sequencing.UNREADABLE, State.NONE)
    assert row.sequencing_reason
    assert list(report.roots[0].unreadable) == [str(bad)]
    assert not Attention.objects.exists()
    scan(after_minutes=6)
    attention = Attention.objects.get(subject=row.subject)
    assert (attention.code, bool(attention.next_step)) == ("unreadable", True)
    (bad / "RunInfo.xml").unlink()
    (bad / "RunInfo.xml").write_bytes(WHOLE)
    scan(after_minutes=7)
    row.refresh_from_db()
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.READY)
    assert not Attention.objects.exists()


def test_unreadable_keeps_the_last_good_values(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    before = row_of(folder)
    (folder / "RunInfo.xml").write_bytes(b"")
    scan()
    row = row_of(folder)
    assert row.sequencing == Sequencing.UNREADABLE
    assert (row.run_id, row.reads, row.digest) == (
        before.run_id,
        before.reads,
        before.digest,
    )
    (folder / "RunInfo.xml").write_text(run_info(NOVASEQ))
    scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.COMPLETE
    # It was complete all the time: its place in the queue stays.
    assert row.completed_at == before.completed_at


def test_what_identified_a_run_is_gone(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    (folder / "RunInfo.xml").unlink()
    scan()
    row = row_of(folder)
    assert row.sequencing == Sequencing.UNREADABLE
    assert "identifies" in row.sequencing_reason


def test_odd_files_hurt_nobody(root: Path) -> None:
    good = make_run(root, NOVASEQ, markers=BOTH)
    odd = make_run(root, BAD)
    (odd / "CopyComplete.txt").mkdir()
    (odd / "RTAComplete.txt").symlink_to(odd / "nothing")
    os.mkfifo(odd / "SampleSheet.csv")
    os.mkfifo(odd / "RunParameters.xml")
    os.mkfifo(odd / "RunCompletionStatus.xml")
    (root / "loop").symlink_to(root / "loop")
    (root / "dangling").symlink_to(root / "nothing")
    os.mkfifo(root / "fifo")
    scan()
    assert row_of(good).sequencing == Sequencing.COMPLETE
    assert row_of(odd).sequencing == Sequencing.SEQUENCING
    assert {(p["code"], p["message"]) for p in row_of(odd).problems} == {
        ("not_a_file", "CopyComplete.txt is no regular file (a directory)."),
        ("not_a_file", "RTAComplete.txt is no regular file (a link to nothing)."),
        ("not_a_file", "SampleSheet.csv is no regular file (a named pipe)."),
        ("not_a_file", "RunParameters.xml is no regular file (a named pipe)."),
        ("not_a_file", "RunCompletionStatus.xml is no regular file (a named pipe)."),
    }
    assert Runfolder.objects.count() == 2


def test_it_says_what_stands_where_run_info_should(root: Path) -> None:
    folder = root / "somebody's"
    (folder / "RunInfo.xml").mkdir(parents=True)
    scan()
    row = row_of(folder)
    assert row.sequencing == Sequencing.UNREADABLE
    assert row.sequencing_reason == "RunInfo.xml is no regular file (a directory)"


def test_hostile_values_are_bounded_and_stored(root: Path) -> None:
    text = "=cmd|'/c calc'!A0<script>alert(1)</script>\u202e" + "x" * 5000
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    folder = make_run(
        root,
        RunParameters_xml=f"<RunParameters><ExperimentName>{escaped}</ExperimentName>"
        "<RunNumber>99999999999999</RunNumber></RunParameters>",
    )
    scan()
    row = row_of(folder)
    assert row.experiment_name.startswith("=cmd|")
    assert len(row.experiment_name) <= 500
    assert row.sequencing == Sequencing.SEQUENCING


NAMES = [
    b"240131_A00834_0002_BHMTFYDRXX_\xe5\xe4",
    b"240131_A00834_0003_BHMTFYDRXX_new\nline",
    b"-rf 100% #?&'\"",
    b"\\xe5",
    b"240131_A00834_0004_BHMTFYDRXX_" + b"x" * 220,
    b"240131_A00834_0005_BHMTFYDRXX_" + b"\xff" * 220,
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_kinds_are_scanned(root: Path, name: bytes) -> None:
    folder = root / os.fsdecode(name)
    folder.mkdir()
    (folder / "RunInfo.xml").write_text(run_info(NOVASEQ))
    (folder / "CopyComplete.txt").touch()
    age(folder)
    scan()
    row = Runfolder.objects.get()
    assert row.location == folder
    assert row.path.encode()
    assert row.sequencing == Sequencing.COMPLETE
    report = scan()
    assert (report.total("new"), report.total("changed")) == (0, 0)
    shutil.rmtree(folder)
    (root / "other").mkdir()
    scan()
    scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.VANISHED


def test_a_folder_that_may_not_be_entered_is_unreadable(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests run as root, whom no permission stops: the refusal is made here.
    good = make_run(root, NOVASEQ, markers=BOTH)
    known = make_run(root, BAD, markers=BOTH)
    scan()
    unknown = make_run(root, "240131_A00834_0009_BHMTFYDRXX")
    other = root / "somebody's"
    other.mkdir()
    closed = {str(known), str(unknown), str(other)}
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path in closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = scan()
    assert row_of(good).sequencing == Sequencing.COMPLETE
    for folder in (known, unknown):
        row = row_of(folder)
        assert row.sequencing == Sequencing.UNREADABLE
        assert "Permission denied" in row.sequencing_reason
    assert set(report.roots[0].unreadable) == closed
    assert Runfolder.objects.count() == 3
    monkeypatch.undo()
    scan()
    assert row_of(known).sequencing == Sequencing.COMPLETE


def test_a_fault_of_ours_in_one_look_stops_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good = make_run(root, NOVASEQ, markers=BOTH)
    bad = make_run(root, BAD, markers=BOTH)

    def stumble(listing: object) -> object:
        if getattr(listing, "path", None) == bad:
            raise ZeroDivisionError("a bug")
        return reader_for(listing)  # type: ignore[arg-type]

    monkeypatch.setattr(engine_look, "reader_for", stumble)
    scan()
    assert row_of(good).sequencing == Sequencing.COMPLETE
    assert row_of(bad).sequencing == Sequencing.UNREADABLE
    assert "ZeroDivisionError: a bug" in caplog.text


def test_a_fault_of_ours_in_recording_stops_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good = make_run(root, NOVASEQ)
    bad = make_run(root, BAD)
    scan()

    def stumble(runfolder_id: int, look: engine_look.Look, **options: object) -> bool:
        if look.path == str(bad) and not look.error:
            raise ZeroDivisionError("a bug")
        return observe(runfolder_id, look, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(recorder, "observe", stumble)
    for folder in (good, bad):
        (folder / "CopyComplete.txt").touch()
    scan()
    assert row_of(good).sequencing == Sequencing.COMPLETE
    assert row_of(bad).sequencing == Sequencing.UNREADABLE
    assert "ZeroDivisionError: a bug" in caplog.text
    monkeypatch.undo()
    scan()
    assert row_of(bad).sequencing == Sequencing.COMPLETE
