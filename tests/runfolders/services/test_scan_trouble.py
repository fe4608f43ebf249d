"""What goes wrong on disks: one bad folder or root never costs another."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from runfolders.choices import RootStatus, Sequencing, State
from runfolders.engine import look as engine_look
from runfolders.engine.listing import list_folder
from runfolders.engine.registry import reader_for
from runfolders.models import Root, Runfolder
from runfolders.services import recorder, root_scan
from runfolders.services.observation import observe
from runfolders.services.scan import scan_host
from seqhub.operations.models import Attention, Event
from tests.factories import HOST
from tests.runfolders.runs import NEXTSEQ_2000, NOVASEQ, age, make_run, run_info, watch
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
    assert Runfolder.objects.count() == 2


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


def test_a_missing_root_hides_nothing_and_vanishes_nothing(
    root: Path, tmp_path: Path, settings: Settings
) -> None:
    other = tmp_path / "other"
    elsewhere = make_run(other, NEXTSEQ_2000, markers=BOTH)
    watch(settings, root, other)
    folder = make_run(root, markers=BOTH)
    scan()
    root.rename(root.with_name("away"))
    for _ in range(3):
        report = scan()
    row = Root.objects.get(path=str(root))
    assert row.status == RootStatus.MISSING
    assert row.message == "no such file or directory"
    assert Attention.objects.get(subject=f"root:{row.pk}").next_step
    assert row_of(folder).sequencing == Sequencing.COMPLETE
    assert row_of(elsewhere).sequencing == Sequencing.COMPLETE
    assert [bool(one.missing) for one in report.roots] == [False, True]
    root.with_name("away").rename(root)
    scan()
    row.refresh_from_db()
    assert row.status == RootStatus.AVAILABLE
    assert not Attention.objects.exists()
    kinds = Event.objects.filter(subject=f"root:{row.pk}").values_list("kind")
    assert sorted(kind for (kind,) in kinds) == ["root_available", "root_missing"]


def test_an_empty_mount_point_is_not_mounted(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    root.rename(root.with_name("away"))
    root.mkdir()
    for _ in range(3):
        scan()
    assert Root.objects.get().status == RootStatus.MISSING
    assert "mounted" in Root.objects.get().message
    assert row_of(folder).sequencing == Sequencing.COMPLETE
    assert row_of(folder).missing_since is None


def test_another_disk_at_the_mount_point_is_not_believed(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    age(folder)
    scan()
    row = row_of(folder)
    head, *rest = row.signature.split("\n")
    mtime, inode, _device = head.split(" ")
    # Of a second file system tests have none: the row says that it was on one.
    row.signature = "\n".join([f"{mtime} {inode} 1", *rest])
    row.save()
    folder.rename(root.with_name("away"))
    (root / "lost+found").mkdir()
    for _ in range(3):
        scan()
    assert Root.objects.get().status == RootStatus.MISSING
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_an_emptied_root_on_the_same_disk_can_be_told_so(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    shutil.rmtree(folder)
    (root / ".keep").touch()
    scan()
    scan()
    assert Root.objects.get().status == RootStatus.AVAILABLE
    assert Runfolder.objects.get().sequencing == Sequencing.VANISHED


def test_a_root_that_hangs_is_given_up(
    root: Path,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A dead NFS server can't be had here; a look that waits stands in for it.
    other = tmp_path / "other"
    elsewhere = make_run(other, NEXTSEQ_2000, markers=BOTH)
    watch(settings, root, other)
    folder = make_run(root, markers=BOTH)
    scan()
    answers = threading.Event()

    def hang(path: Path, watched: Callable[[str], bool]) -> object:
        if path.parent == root:
            answers.wait(60)
        return list_folder(path, watched)

    monkeypatch.setattr(engine_look, "list_folder", hang)
    monkeypatch.setattr(root_scan, "ANSWER_S", 0.2)
    for one in (folder, elsewhere):
        (one / "Analysis").mkdir()
    try:
        report = scan()
        assert "does not answer" in report.roots[1].missing
        assert Root.objects.get(path=str(root)).status == RootStatus.MISSING
        assert row_of(folder).sequencing == Sequencing.COMPLETE
        assert "Analysis" in row_of(elsewhere).signature
    finally:
        answers.set()


@pytest.fixture
def second_session() -> Callable[[], object]:
    """A scan from another thread, which has a database session of its own."""

    def run() -> object:
        results: list[object] = []

        def work() -> None:
            results.append(scan_host(HOST))
            connections.close_all()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return results[0]

    return run


@pytest.mark.django_db(transaction=True)
def test_two_scans_of_a_host_never_overlap(
    root: Path, second_session: Callable[[], object]
) -> None:
    make_run(root)
    others: list[object] = []

    def meanwhile(_done: int, _total: int) -> None:
        others.append(second_session())

    assert scan_host(HOST, progress=meanwhile) is not None
    assert others == [None]
    assert second_session() is not None
    assert Runfolder.objects.count() == 1


def test_a_scan_whose_time_is_up_goes_on_next_time(root: Path) -> None:
    make_run(root)
    report = scan_host(HOST, limit_s=-1)
    assert report is not None
    assert not report.is_finished
    assert Root.objects.get().scanned_at is None
    assert scan().is_finished
    assert Runfolder.objects.count() == 1
