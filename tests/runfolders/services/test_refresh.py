"""One folder, looked at now; and test run folders."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from runfolders.choices import Sequencing, State
from runfolders.conf import MonitoredDirectory
from runfolders.engine.listing import with_device
from runfolders.errors import CreationRefused, NotMonitored, RunfolderNotFound
from runfolders.models import Runfolder
from runfolders.services import refresh
from runfolders.services.creation import create_test_runfolder, mark_as_ready
from runfolders.services.offers import next_offer, offered, pick_up_offer
from runfolders.services.refresh import ask_disk, refresh_path
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST, RootFactory, RunfolderFactory
from tests.runfolders.runs import NEXTSEQ_2000, NOVASEQ, make_run, watch
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
    assert row.is_present
    assert scan().total("vanished") == 1


@pytest.mark.parametrize("reads", [0, 1])
def test_no_question_makes_the_runs_of_an_unmounted_disk_vanish(
    root: Path, reads: int
) -> None:
    folders = [make_run(root, name, markers=BOTH) for name in (NEXTSEQ_2000, NOVASEQ)]
    scan()
    for row in Runfolder.objects.all():
        row.signature = with_device(row.signature, 1)  # tests have no second disk
        row.save()
    root.rename(root.with_name("away"))
    root.mkdir()
    (root / "NOT_MOUNTED").touch()
    for _ in range(3):
        if reads:
            assert offered(HOST) == []
            assert next_offer(HOST) is None
            assert pick_up_offer(HOST, actor=CLIENT) is None
            with pytest.raises(RunfolderNotFound):
                refresh_path(HOST, str(folders[0]))
        scan()
    root.rename(root.with_name("mount_point"))
    root.with_name("away").rename(root)
    scan()
    assert len(offered(HOST)) == 2
    for folder in folders:
        row = row_of(folder)
        assert (row.sequencing, row.missing_since) == (Sequencing.COMPLETE, None)


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
        "{root}/nosync",
        "{root}/.hidden",
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


def test_links_that_the_scan_does_not_follow_are_refused(
    root: Path, settings: Settings, tmp_path: Path
) -> None:
    watch(settings, root, depth=2)
    target = make_run(tmp_path / "elsewhere")
    (root / "novaseq").mkdir()
    (root / "novaseq" / "deep").symlink_to(target)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "again").symlink_to(root / "novaseq")
    assert refresh_path(HOST, str(root / "linked" / target.name)).pk
    for path in ("novaseq/deep", "again"):
        with pytest.raises(NotMonitored, match="link"):
            refresh_path(HOST, str(root / path))


def test_a_root_inside_another_is_no_run_folder_and_has_its_own_depth(
    root: Path, settings: Settings
) -> None:
    inner = root / "inner"
    folder = make_run(inner)
    (inner / "a" / "b").mkdir(parents=True)
    watch(settings, root, depth=3)
    settings.CONFIG.runfolders.monitored_directories.append(
        MonitoredDirectory(path=inner)
    )
    scan()
    assert refresh_path(HOST, str(folder)).root.path == str(inner)
    for path in (inner, inner / "a" / "b"):
        with pytest.raises(NotMonitored):
            refresh_path(HOST, str(path))


def test_names_that_are_not_utf8_are_found(root: Path) -> None:
    folder = make_run(root).rename(root / os.fsdecode(b"\xe5"))
    row = refresh_path(HOST, str(folder))
    assert row.location == folder
    assert not ask_disk([row]).not_there


def test_only_a_directory_is_there_and_trouble_proves_nothing(tmp_path: Path) -> None:
    root = RootFactory.create(path=str(tmp_path))
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    rows = {
        name: RunfolderFactory.create(root=root, name=name)
        for name in ("file", "directory", "nothing", "loop")
    }
    answer = ask_disk(rows.values())
    assert answer.gone == {rows["file"].pk, rows["nothing"].pk}
    assert answer.silent == {rows["loop"].pk}
    marked = Runfolder.objects.exclude(missing_since=None)
    assert {row.pk for row in marked} == answer.gone


@pytest.fixture
def hang(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Looks into directories named `hung` never end; yields what was asked for.

    A real hung mount can't be had here: a thread that waits stands in.
    """
    monkeypatch.setattr(refresh, "ANSWER_S", 0.2)
    let_go = threading.Event()
    asked: list[Path] = []

    def look(path: Path) -> bool:
        asked.append(path)
        return let_go.wait() if path.parent.name == "hung" else path.is_dir()

    monkeypatch.setattr(refresh, "_is_directory", look)
    yield asked
    let_go.set()


def test_a_hung_disk_says_nothing_of_its_folders_and_hides_no_other(
    tmp_path: Path, hang: list[Path]
) -> None:
    stuck = RootFactory.create(path=str(tmp_path / "hung"))
    hung = [
        RunfolderFactory.create(root=stuck, complete=True, name=f"r{n}")
        for n in range(3)
    ]
    there = RunfolderFactory.create(root__path=str(tmp_path / "a"), complete=True)
    there.location.mkdir(parents=True)
    assert offered(HOST) == [there]
    assert next_offer(HOST) == there
    claimed = pick_up_offer(HOST, actor=CLIENT)
    assert claimed == there
    # After one folder of it the whole disk is left alone.
    assert {path for path in hang if path.parent.name == "hung"} == {hung[0].location}
    assert not Runfolder.objects.exclude(missing_since=None).exists()


def test_each_look_has_time_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "ANSWER_S", 0.5)
    root = RootFactory.create(path=str(tmp_path))
    rows = [RunfolderFactory.create(root=root, name=f"r{n}") for n in range(8)]

    def look(_path: Path) -> bool:
        return not threading.Event().wait(0.1)

    monkeypatch.setattr(refresh, "_is_directory", look)
    assert not ask_disk(rows).not_there


def test_absences_take_the_same_queries_however_many(
    tmp_path: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    root = RootFactory.create(path=str(tmp_path))
    rows = [RunfolderFactory.create(root=root, name=f"r{n}") for n in range(8)]
    with django_assert_num_queries(1):
        assert len(ask_disk(rows).gone) == 8


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
    # The marker is there already: nothing is written.
    mark_as_ready(HOST, str(folder), actor=CLIENT)
    assert victim.read_text() == "keep"


def test_nothing_is_created_where_it_is_not_enabled(root: Path) -> None:
    folder = make_run(root)
    with pytest.raises(CreationRefused, match="not enabled"):
        create_test_runfolder(HOST, str(root / "new"), actor=CLIENT)
    with pytest.raises(CreationRefused, match="not enabled"):
        mark_as_ready(HOST, str(folder), actor=CLIENT)
    assert not (root / "new").exists()
