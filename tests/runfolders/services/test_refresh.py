"""One folder, looked at now; and test run folders."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from pytest_django import Settings

from runfolders.choices import Sequencing, State
from runfolders.errors import CreationRefused, NotMonitored, RunfolderNotFound
from runfolders.models import Runfolder
from runfolders.services import refresh
from runfolders.services.creation import create_test_runfolder, mark_as_ready
from runfolders.services.refresh import gone_from_disk, refresh_path, vanish
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST, RootFactory, RunfolderFactory
from tests.runfolders.runs import NEXTSEQ_2000, make_run, watch
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
CLIENT = Actor(Source.API, "robot")
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def test_a_folder_that_no_scan_has_seen_is_registered(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    row = refresh_path(HOST, str(folder))
    assert (row.pk, row.state) == (row_of(folder).pk, State.READY)
    assert refresh_path(HOST, f"{folder}/").pk == row.pk


def test_what_changed_a_moment_ago_is_in_the_answer(root: Path) -> None:
    folder = make_run(root)
    scan()
    (folder / "CopyComplete.txt").touch()
    assert refresh_path(HOST, str(folder)).sequencing == Sequencing.COMPLETE


def test_a_directory_that_is_no_run_is_answered_but_not_kept(root: Path) -> None:
    (root / "results").mkdir()
    row = refresh_path(HOST, str(root / "results"))
    assert row.pk is None
    assert (row.state, row.host) == (State.NONE, HOST)
    assert row.path == str(root / "results")
    assert not Runfolder.objects.exists()


def test_what_is_not_there_is_not_found(root: Path) -> None:
    with pytest.raises(RunfolderNotFound):
        refresh_path(HOST, str(root / "nothing"))
    (root / "file").touch()
    with pytest.raises(RunfolderNotFound):
        refresh_path(HOST, str(root / "file"))


def test_what_was_deleted_a_moment_ago_is_not_found(root: Path) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    shutil.rmtree(folder)
    with pytest.raises(RunfolderNotFound):
        refresh_path(HOST, str(folder))
    row.refresh_from_db()
    assert row.sequencing == Sequencing.VANISHED


@pytest.mark.parametrize(
    "path",
    [
        "relative/run",
        "/etc",
        "{root}",
        "{root}/run/Data",
        "{root}/../other",
        "{root}/./run",
        "{root}//run",
        "{root}2/run",
        "",
        "/",
    ],
)
def test_other_places_are_not_monitored(root: Path, path: str) -> None:
    make_run(root, "240131_A00834_0183_run")
    with pytest.raises(NotMonitored):
        refresh_path(HOST, path.format(root=root))


def test_the_depth_of_the_root_counts(root: Path, settings: Settings) -> None:
    watch(settings, root, depth=2)
    folder = make_run(root / "NovaSeqX")
    assert refresh_path(HOST, str(folder)).pk
    assert refresh_path(HOST, str(root / "NovaSeqX")).pk is None
    shallow = make_run(root, NEXTSEQ_2000)
    scan()
    with pytest.raises(NotMonitored):
        refresh_path(HOST, str(shallow / "Data"))


def test_a_bad_folder_is_answered_too(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    (folder / "RunInfo.xml").write_bytes(b"")
    row = refresh_path(HOST, str(folder))
    assert (row.sequencing, row.state) == (Sequencing.UNREADABLE, State.NONE)


def test_names_that_are_not_utf8_are_found(root: Path) -> None:
    folder = make_run(root).rename(root / os.fsdecode(b"\xe5"))
    row = refresh_path(HOST, str(folder))
    assert row.location == folder
    assert gone_from_disk([row]) == (set(), set())


def test_only_a_directory_is_there(tmp_path: Path) -> None:
    root = RootFactory.create(path=str(tmp_path))
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    rows = {
        name: RunfolderFactory.create(root=root, name=name)
        for name in ("file", "directory", "nothing")
    }
    gone = {rows["file"].pk, rows["nothing"].pk}
    assert gone_from_disk(rows.values()) == (gone, set())


def test_a_hung_disk_says_nothing_of_its_folders_and_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real hung mount can't be had here: a thread that waits stands in."""
    monkeypatch.setattr(refresh, "ANSWER_S", 0.05)
    there, hung = (
        RunfolderFactory.create(root__path=str(tmp_path / name)) for name in "ab"
    )
    there.location.mkdir(parents=True)
    let_go = threading.Event()

    def look(path: Path) -> bool:
        return path.is_dir() if path == there.location else let_go.wait()

    monkeypatch.setattr(refresh, "_is_directory", look)
    assert gone_from_disk([hung, there]) == (set(), {hung.pk})
    let_go.set()


def test_vanish_believes_only_what_is_certain(root: Path) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    vanish([row.pk])
    row.refresh_from_db()
    assert row.is_present
    root.rename(root.with_name("away"))
    for _ in range(2):
        vanish([row.pk])
        row.refresh_from_db()
        assert row.is_present
        root.mkdir(exist_ok=True)
    root.rmdir()
    root.with_name("away").rename(root)
    shutil.rmtree(folder)
    vanish([row.pk, 10**9])
    row.refresh_from_db()
    assert not row.is_present
    assert row.sequencing == Sequencing.VANISHED


def test_a_test_run_folder_is_made_and_made_ready(
    root: Path, settings: Settings
) -> None:
    watch(settings, root, can_create_runfolder=True)
    path = str(root / "240131_M04499_0001_test")
    row = create_test_runfolder(HOST, path, actor=CLIENT)
    assert row.pk == row_of(Path(path)).pk
    assert row.state == State.NONE
    assert row.reagent_kit_barcode == "AB1234567-123V1"
    assert row.library_tube == "NV0012345-LIB"
    assert row.instrument is not None
    assert row.instrument.serial == "M04499"
    created = Event.objects.get(runfolder_ref=row.pk, kind="created")
    assert created.actor == "robot"
    ready = mark_as_ready(HOST, path, actor=CLIENT)
    assert (ready.sequencing, ready.state) == (Sequencing.COMPLETE, State.READY)
    assert (Path(path) / "RTAComplete.txt").is_file()
    scan()
    assert row_of(Path(path)).state == State.READY
    with pytest.raises(CreationRefused, match="there already"):
        create_test_runfolder(HOST, path, actor=CLIENT)
    with pytest.raises(NotMonitored):
        create_test_runfolder(HOST, "/elsewhere/run", actor=CLIENT)
    with pytest.raises(RunfolderNotFound):
        mark_as_ready(HOST, str(root / "nothing"), actor=CLIENT)


def test_a_link_is_never_written_through(
    root: Path, tmp_path: Path, settings: Settings
) -> None:
    watch(settings, root, can_create_runfolder=True)
    folder = make_run(root)
    victim = tmp_path / "victim"
    victim.write_text("keep")
    (folder / "RTAComplete.txt").symlink_to(victim)
    with pytest.raises(CreationRefused):
        mark_as_ready(HOST, str(folder), actor=CLIENT)
    assert victim.read_text() == "keep"


def test_nothing_is_created_where_it_is_not_enabled(root: Path) -> None:
    folder = make_run(root)
    with pytest.raises(CreationRefused, match="not enabled"):
        create_test_runfolder(HOST, str(root / "new"), actor=CLIENT)
    with pytest.raises(CreationRefused, match="not enabled"):
        mark_as_ready(HOST, str(folder), actor=CLIENT)
    assert not (root / "new").exists()
