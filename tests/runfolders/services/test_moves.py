"""Folders that move, vanish, come back, are doubled, or lend their name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pytest_django import Settings

from runfolders.choices import Sequencing, State
from runfolders.models import Root, Runfolder
from runfolders.services.sequencing import lift_override, override_sequencing
from runfolders.services.states import set_state
from runfolders.services.visibility import ignore_runfolder
from seqhub.operations.choices import Source
from seqhub.operations.models import Attention, Event
from seqhub.operations.services.events import Actor
from tests.runfolders.runs import (
    HISEQ_4000,
    NEXTSEQ_2000,
    NOVASEQ,
    age,
    make_run,
    run_info,
    watch,
)
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
ANNA = Actor(Source.CONSOLE, "anna")
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


@pytest.fixture
def other(root: Path, settings: Settings) -> Path:
    """A second directory that is watched."""
    path = root.with_name("other")
    path.mkdir()
    watch(settings, root, path)
    return path


def kinds(row: Runfolder) -> list[str]:
    events = Event.objects.filter(runfolder_ref=row.pk).order_by("pk")
    return [event.kind for event in events]


def test_a_folder_vanishes_at_the_second_scan_without_it(root: Path) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, markers=BOTH)
    scan()
    shutil.rmtree(folder)
    assert scan().total("vanished") == 0
    row = row_of(folder)
    assert (row.sequencing, row.is_present) == (Sequencing.COMPLETE, True)
    assert scan().total("vanished") == 1
    row.refresh_from_db()
    assert (row.sequencing, row.is_present) == (Sequencing.VANISHED, False)
    assert row.vanished_at is not None
    assert row.state == State.READY


def test_a_folder_that_is_back_at_the_next_scan_never_left(root: Path) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, markers=BOTH)
    age(folder)
    scan()
    for _ in range(3):
        folder.rename(root.with_name("away"))
        scan()
        root.with_name("away").rename(folder)
        scan()
    row = row_of(folder)
    assert row.missing_since is None
    assert kinds(row) == ["found"]


def test_a_vanished_run_that_is_restored_goes_on(root: Path) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, "done", actor=ANNA)
    shutil.copytree(folder, root.with_name("backup"))
    shutil.rmtree(folder)
    scan()
    scan()
    shutil.copytree(root.with_name("backup"), folder)
    scan()
    row.refresh_from_db()
    assert (row.is_present, row.vanished_at) == (True, None)
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.DONE)
    assert kinds(row)[-2:] == ["returned", "sequencing_changed"]
    assert Runfolder.objects.count() == 2


def test_a_restored_run_has_its_grace_again(root: Path) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, HISEQ_4000, markers=("RTAComplete.txt",))
    age(folder, 3600)
    scan()
    scan(after_minutes=31)
    row = row_of(folder)
    assert row.state == State.READY
    backup = root.with_name("backup")
    shutil.copytree(folder, backup)
    shutil.rmtree(folder)
    scan(after_minutes=40)
    scan(after_minutes=41)
    folder.mkdir()
    for name in ("RTAComplete.txt", "RunInfo.xml"):
        shutil.copy2(backup / name, folder / name)
    scan(after_minutes=100)
    row.refresh_from_db()
    assert (row.sequencing, row.state) == (Sequencing.SETTLING, State.NONE)
    scan(after_minutes=131)
    row.refresh_from_db()
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.READY)


def test_a_run_that_is_renamed_needs_no_grace(root: Path) -> None:
    folder = make_run(root, HISEQ_4000, markers=("RTAComplete.txt",))
    scan()
    scan(after_minutes=31)
    row = row_of(folder)
    folder.rename(root / f"{HISEQ_4000}_old")
    scan(after_minutes=32)
    row.refresh_from_db()
    assert row.name == f"{HISEQ_4000}_old"
    assert "settling" not in [e.data.get("to") for e in Event.objects.all()]
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.READY)


def test_a_run_that_moves_to_another_root_keeps_its_row(
    root: Path, other: Path
) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, "started", actor=ANNA)
    folder.rename(other / NOVASEQ)
    for _ in range(3):
        scan()
    row.refresh_from_db()
    assert row.path == str(other / NOVASEQ)
    assert row.root == Root.objects.get(path=str(other))
    assert (row.sequencing, row.state) == (Sequencing.COMPLETE, State.STARTED)
    assert kinds(row).count("moved") == 1
    assert Runfolder.objects.count() == 2


def test_a_folder_that_is_renamed_keeps_its_row(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    folder.rename(root / f"{NOVASEQ}_old")
    scan()
    row.refresh_from_db()
    assert row.name == f"{NOVASEQ}_old"
    assert [p["code"] for p in row.problems] == ["run_id_mismatch"]
    assert Runfolder.objects.count() == 1


def test_a_copy_while_the_first_disk_is_away_is_another_folder(
    root: Path, other: Path
) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    root.rename(root.with_name("unmounted"))
    make_run(other, markers=BOTH)
    for _ in range(3):
        scan()
    assert Runfolder.objects.filter(is_present=True).count() == 2
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_the_same_run_in_two_roots_is_two_entries_and_one_warning(
    root: Path, other: Path
) -> None:
    first = make_run(root, markers=BOTH)
    scan()
    second = make_run(other, markers=BOTH)
    scan()
    assert [p["code"] for p in row_of(second).problems] == ["duplicate_run_id"]
    assert row_of(first).problems == []
    attention = Attention.objects.get(code="duplicate_run_id")
    assert attention.runfolder_ref == row_of(second).pk
    assert str(first) in attention.message
    (second / "CopyComplete.txt").write_text("again")
    scan()
    assert [p["code"] for p in row_of(second).problems] == ["duplicate_run_id"]
    shutil.rmtree(first)
    make_run(root, NEXTSEQ_2000)
    scan()
    scan()
    assert not Attention.objects.filter(code="duplicate_run_id").exists()
    assert row_of(second).problems == []


def test_an_ignored_folder_is_no_duplicate(root: Path, other: Path) -> None:
    first = make_run(root)
    scan()
    ignore_runfolder(row_of(first).pk, actor=ANNA, reason="a copy")
    make_run(other)
    scan()
    assert not Attention.objects.exists()


def test_a_name_that_is_used_again_is_another_run(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, "done", actor=ANNA)
    folder.rename(root.with_name("away"))
    folder.mkdir()
    (folder / "RunInfo.xml").write_text(run_info(NOVASEQ, cycles=(151, 151)))
    scan()
    again = row_of(folder)
    assert again.pk != row.pk
    assert (again.sequencing, again.state) == (Sequencing.SEQUENCING, State.NONE)
    row.refresh_from_db()
    assert (row.is_present, row.state) == (False, State.DONE)


def test_a_run_that_began_anew_in_the_same_directory_is_another_run(
    root: Path,
) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    for marker in BOTH:
        (folder / marker).unlink()
    (folder / "RunInfo.xml").write_text(run_info(NOVASEQ, cycles=(151, 151)))
    scan()
    assert row_of(folder).pk != row.pk


def test_a_run_info_that_is_mended_in_place_is_the_same_run(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    (folder / "RunInfo.xml").write_text(run_info(NOVASEQ, cycles=(36, 8)))
    scan()
    again = row_of(folder)
    assert again.pk == row.pk
    assert again.read_structure == "36-8"


def test_roots_that_are_no_longer_configured_are_hidden_not_vanished(
    root: Path, other: Path, settings: Settings
) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    watch(settings, other)
    for _ in range(3):
        scan()
    row = row_of(folder)
    assert row.sequencing == Sequencing.COMPLETE
    assert not row.root.is_configured
    watch(settings, root, other)
    scan()
    assert row_of(folder).pk == row.pk
    assert row_of(folder).root.is_configured


@pytest.mark.parametrize("word", [Sequencing.COMPLETE, Sequencing.FAILED])
def test_a_persons_word_is_back_with_the_folder(root: Path, word: Sequencing) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root)
    scan()
    row = row_of(folder)
    override_sequencing(row.pk, word, actor=ANNA, reason="enough")
    for _ in range(2):
        folder.rename(root.with_name("away"))
        scan()
        scan()
        row.refresh_from_db()
        assert row.sequencing == Sequencing.VANISHED
        root.with_name("away").rename(folder)
        scan()
        scan()
        row.refresh_from_db()
        assert (row.sequencing, row.is_overridden) == (word, True)
    lift_override(row.pk, actor=ANNA)
    scan()
    row.refresh_from_db()
    assert row.sequencing == Sequencing.SEQUENCING


def test_a_persons_word_of_which_the_history_is_gone_is_not_guessed(
    root: Path,
) -> None:
    make_run(root, NEXTSEQ_2000)
    folder = make_run(root)
    scan()
    row = row_of(folder)
    override_sequencing(row.pk, Sequencing.COMPLETE, actor=ANNA, reason="enough")
    folder.rename(root.with_name("away"))
    scan()
    scan()
    Event.objects.all().delete()
    root.with_name("away").rename(folder)
    scan()
    row.refresh_from_db()
    assert (row.sequencing, row.is_overridden) == (Sequencing.SEQUENCING, False)


def test_a_persons_word_does_not_pass_on_to_another_run(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    override_sequencing(row.pk, Sequencing.FAILED, actor=ANNA, reason="mixed up")
    folder.rename(root.with_name("away"))
    folder.mkdir()
    (folder / "RunInfo.xml").write_text(run_info(NOVASEQ, cycles=(151, 151)))
    scan()
    row.refresh_from_db()
    assert (row.sequencing, row.is_overridden) == (Sequencing.VANISHED, False)
    assert not row_of(folder).is_overridden


def test_the_only_run_of_a_root_may_move(root: Path, other: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    folder.rename(other / NOVASEQ)
    scan()
    row.refresh_from_db()
    assert row.path == str(other / NOVASEQ)
    assert Runfolder.objects.count() == 1


def test_a_warning_of_two_copies_ends_with_the_ignoring_of_one(
    root: Path, other: Path
) -> None:
    first = make_run(root, markers=BOTH)
    scan()
    make_run(other, markers=BOTH)
    scan()
    assert Attention.objects.filter(code="duplicate_run_id").exists()
    ignore_runfolder(row_of(first).pk, actor=ANNA, reason="a copy")
    scan()
    assert not Attention.objects.filter(code="duplicate_run_id").exists()


def test_runs_that_leave_a_root_with_its_configuration_go_on_elsewhere(
    root: Path, settings: Settings
) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    row = row_of(folder)
    set_state(row.pk, "done", actor=ANNA)
    new = root.with_name("new_disk")
    root.rename(new)
    watch(settings, new)
    scan()
    row.refresh_from_db()
    assert (row.path, row.state) == (str(new / NOVASEQ), State.DONE)
    assert Runfolder.objects.count() == 1
