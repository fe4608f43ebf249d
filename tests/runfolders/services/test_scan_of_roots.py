"""Roots that are away, empty or hang, and scans that meet."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from runfolders.choices import RootStatus, Sequencing, State
from runfolders.conf import MonitoredDirectory
from runfolders.engine import look as engine_look
from runfolders.engine import survey
from runfolders.engine.listing import list_folder, with_device
from runfolders.models import Root, Runfolder
from runfolders.services import root_scan
from runfolders.services import scan as scan_service
from runfolders.services.policy import current_policy
from runfolders.services.recorder import Recorder
from runfolders.services.scan import scan_host
from runfolders.services.states import set_state
from seqhub.operations.models import Attention, Event, Heartbeat
from seqhub.operations.services.events import SCANNER
from tests.factories import HOST
from tests.runfolders.runs import NEXTSEQ_2000, age, make_run, watch
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


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
    missing = {one.path: bool(one.missing) for one in report.roots}
    assert missing == {str(other): False, str(root): True}
    root.with_name("away").rename(root)
    scan()
    row.refresh_from_db()
    assert row.status == RootStatus.AVAILABLE
    assert not Attention.objects.exists()
    kinds = Event.objects.filter(subject=f"root:{row.pk}").values_list("kind")
    assert sorted(kind for (kind,) in kinds) == ["root_available", "root_missing"]


def lay_on_other_disk(*folders: Path) -> None:
    """Of a second file system tests have none: the rows say that they lay on one."""
    for folder in folders:
        row = row_of(folder)
        row.signature = with_device(row.signature, 1)
        row.save()


@pytest.mark.parametrize("left", ["", ".keep", "NOT_MOUNTED", "lost+found"])
def test_a_mount_point_without_its_disk_is_not_believed(root: Path, left: str) -> None:
    folder = make_run(root, markers=BOTH)
    age(folder)
    scan()
    lay_on_other_disk(folder)
    root.rename(root.with_name("away"))
    (root / left).mkdir(parents=True)
    for _ in range(3):
        scan()
    assert Root.objects.get().status == RootStatus.MISSING
    assert "mounted" in Root.objects.get().message
    assert row_of(folder).sequencing == Sequencing.COMPLETE
    assert row_of(folder).missing_since is None


def test_a_run_that_is_written_into_a_mount_point_proves_nothing(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    lay_on_other_disk(folder)
    folder.rename(root.with_name("away"))
    new = make_run(root, NEXTSEQ_2000)
    for _ in range(3):
        scan()
    assert row_of(folder).sequencing == Sequencing.COMPLETE
    assert row_of(new).sequencing == Sequencing.SEQUENCING


def test_an_unmounted_instrument_hides_no_run_of_it(
    root: Path, settings: Settings
) -> None:
    watch(settings, root, depth=2)
    there = make_run(root / "miseq", NEXTSEQ_2000, markers=BOTH)
    folder = make_run(root / "novaseq", markers=BOTH)
    scan()
    lay_on_other_disk(folder)
    shutil.rmtree(folder)
    for _ in range(3):
        scan()
    assert Root.objects.get().status == RootStatus.AVAILABLE
    assert row_of(folder).sequencing == Sequencing.COMPLETE
    assert row_of(there).sequencing == Sequencing.COMPLETE


def test_a_disk_that_was_mounted_again_under_another_number_is_the_same(
    root: Path,
) -> None:
    folders = [
        make_run(root, f"240131_A00834_{number:04}_BHMTFYDRXX", markers=BOTH)
        for number in range(3)
    ]
    scan()
    lay_on_other_disk(*folders)
    shutil.rmtree(folders[0])
    assert scan().total("vanished") == 0
    assert scan().total("vanished") == 1
    assert {row_of(folder).sequencing for folder in folders[1:]} == {
        Sequencing.COMPLETE
    }


def test_a_root_that_was_emptied_on_its_own_disk_has_lost_its_runs(
    root: Path,
) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    shutil.rmtree(folder)
    scan()
    scan()
    assert Root.objects.get().status == RootStatus.AVAILABLE
    assert Runfolder.objects.get().sequencing == Sequencing.VANISHED


def test_of_what_disk_a_folder_was_may_be_unknown(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    shutil.rmtree(folder)
    for _ in range(3):
        Runfolder.objects.update(signature="")
        scan()
    assert Root.objects.get().status == RootStatus.MISSING
    (root / "anything").mkdir()
    for _ in range(2):
        Runfolder.objects.update(signature="")
        scan()
    assert Runfolder.objects.get().sequencing == Sequencing.VANISHED


def test_a_run_behind_a_link_goes_with_the_disk_that_it_leads_to(
    root: Path, tmp_path: Path
) -> None:
    make_run(root, NEXTSEQ_2000)
    disk = tmp_path / "disk"
    target = make_run(disk, markers=BOTH)
    link = root / target.name
    link.symlink_to(target)
    scan()
    target.rename(tmp_path / "away")
    lay_on_other_disk(link)
    for _ in range(3):
        scan()
    assert row_of(link).sequencing == Sequencing.COMPLETE
    row = row_of(link)
    row.signature = with_device(row.signature, disk.stat().st_dev)
    row.save()
    for _ in range(2):
        scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.VANISHED


def test_what_the_configuration_no_longer_covers_is_back_when_it_does(
    root: Path, settings: Settings
) -> None:
    watch(settings, root, depth=2)
    other = make_run(root, NEXTSEQ_2000, markers=BOTH)
    folder = make_run(root / "novaseq", markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, "started", actor=SCANNER)
    for ignored, depth in ((["novaseq"], 2), ([], 1)):
        watch(settings, root, depth=depth, ignore=ignored)
        assert scan().total("vanished") == 1
        row.refresh_from_db()
        assert not row.is_present
        assert "configuration" in row.sequencing_reason
        assert row_of(other).sequencing == Sequencing.COMPLETE
        watch(settings, root, depth=2, ignore=[])
        scan()
        row.refresh_from_db()
        assert (row.is_present, row.sequencing, row.state) == (
            True,
            Sequencing.COMPLETE,
            State.STARTED,
        )
    assert Runfolder.objects.count() == 2


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
        missing = {one.path: one.missing for one in report.roots}
        assert "does not answer" in missing[str(root)]
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


def test_a_scan_whose_time_is_up_goes_on_next_time(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "BATCH", 1)
    folders = [
        make_run(root, f"240131_A00834_{number:04}_BHMTFYDRXX") for number in range(3)
    ]
    report = scan_host(HOST, limit_s=-1)
    assert report is not None
    assert not report.is_finished
    assert Root.objects.get().scanned_at is None
    assert Runfolder.objects.count() == 1
    assert scan().is_finished
    assert Runfolder.objects.count() == len(folders)


def test_a_scan_that_has_seen_all_is_finished_however_late(root: Path) -> None:
    make_run(root)
    report = scan_host(HOST, limit_s=-1)
    assert report is not None
    assert report.is_finished
    assert Root.objects.get().scanned_at is not None


def test_a_root_that_takes_all_the_time_keeps_no_other_from_its_turn(
    root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "BATCH", 1)
    roots = [root.with_name(name) for name in "abc"]
    watch(settings, *roots)
    for path in roots:
        make_run(path)
        make_run(path, NEXTSEQ_2000)
    report = scan_host(HOST, limit_s=-1)
    assert report is not None
    assert [one.is_finished for one in report.roots] == [False] * 3
    assert sorted(row.root.path for row in Runfolder.objects.all()) == [
        str(path) for path in roots
    ]


def test_a_root_inside_another_has_its_runs_to_itself(
    root: Path, settings: Settings
) -> None:
    inner = root / "novaseq"
    folder = make_run(inner)
    other = make_run(root / "miseq", NEXTSEQ_2000)
    watch(settings, root, depth=2)
    scan()
    before = row_of(folder)
    assert before.root.path == str(root)
    settings.CONFIG.runfolders.monitored_directories.append(
        MonitoredDirectory(path=inner)
    )
    for _ in range(2):
        report = scan()
        assert report.total("new") == 0
    row = row_of(folder)
    assert (row.pk, row.root.path) == (before.pk, str(inner))
    assert row_of(other).root.path == str(root)
    (folder / "CopyComplete.txt").touch()
    scan()
    assert row_of(folder).sequencing == Sequencing.COMPLETE
    assert Runfolder.objects.count() == 2


def test_what_another_door_registered_meanwhile_is_no_trouble(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_run(root)
    look = engine_look.Looker().look_at(str(folder))
    assert look is not None
    report = scan()
    row = Root.objects.get()
    recorder = Recorder(row, {}, current_policy(), report.roots[0])
    recorder.record_all([look])
    assert Runfolder.objects.count() == 1
    assert not caplog.records


def test_each_host_has_roots_and_rows_of_its_own(root: Path) -> None:
    folder = make_run(root)
    scan()
    assert scan_host("elsewhere") is not None
    assert scan().total("new") == 0
    rows = Runfolder.objects.filter(path=str(folder)).order_by("host")
    assert [row.host for row in rows] == ["elsewhere", HOST]
    assert [row.root.host for row in rows] == ["elsewhere", HOST]
    assert not Attention.objects.exists()


def test_a_long_scan_tells_how_far_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "BATCH", 1)
    monkeypatch.setattr(scan_service, "BEAT_S", 0)
    for number in range(3):
        make_run(root, f"240131_A00834_{number:04}_BHMTFYDRXX")
    told: list[dict[str, object]] = []

    def note(_done: int, _total: int) -> None:
        told.extend(Heartbeat.objects.values_list("data", flat=True))

    scan_host(HOST, progress=note)
    assert [(data["done"], data["total"]) for data in told] == [(1, 3), (2, 3), (3, 3)]
    assert {data["root"] for data in told} == {str(root)}
    assert {data["finished_at"] for data in told} == {None}
