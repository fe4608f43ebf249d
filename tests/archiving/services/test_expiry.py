from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.models import ArchiveJob, Restore
from archiving.services import placing
from archiving.services.expiry import expire_due
from archiving.services.folders import identity_of
from archiving.services.restores import (
    cancel_restore,
    expire_restore,
    extend_restore,
    request_restore,
    retry_restore,
)
from archiving.services.targets import partial_path
from runfolders.models import PassedOver
from seqhub.lib.processes import Cancelled
from seqhub.operations.models import Event
from tests.archiving.runs import RUN, SHELL, Site
from tests.archiving.services.archives import restore, run_again
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_that_waits_is_cancelled_and_tidied_up(root: Path, job: ArchiveJob) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    row.mark = "aa"
    partial = partial_path(row, root)
    (partial / RUN).mkdir(parents=True)
    Restore.objects.update(
        has_partial=True, mark=row.mark, partial_identity=identity_of(partial)
    )
    assert cancel_restore(row.pk, actor=SHELL).state == RestoreState.CANCELLED
    assert expire_due(HOST) == 1
    assert list(root.iterdir()) == []


def test_what_was_restored_goes_when_its_time_is_over(
    root: Path, job: ArchiveJob
) -> None:
    row = restore(job, root)
    assert expire_due(HOST) == 0
    expire_restore(row.pk, actor=SHELL, reason="Done.")
    assert expire_due("elsewhere") == 0
    assert expire_due(HOST) == 1
    row.refresh_from_db()
    assert row.state == RestoreState.EXPIRED
    assert list(root.iterdir()) == []
    assert not PassedOver.objects.exists()
    assert Event.objects.filter(kind="restore_expired").exists()
    assert retry_restore(row.pk, actor=SHELL).state == RestoreState.REQUESTED
    assert run_again(row).state == RestoreState.AVAILABLE


def test_what_another_put_in_its_place_is_left(root: Path, job: ArchiveJob) -> None:
    restore(job, root)
    (root / RUN).rename(root / "kept")
    (root / RUN).mkdir()
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    row = Restore.objects.get()
    assert row.state == RestoreState.EXPIRED
    assert "was left" in row.message
    assert (root / RUN).is_dir()
    assert (root / "kept" / "RunInfo.xml").is_file()


@pytest.mark.parametrize("has_marks", [True, False])
def test_a_number_that_was_given_again_is_no_identity(
    root: Path, job: ArchiveJob, *, has_marks: bool
) -> None:
    """The file system may give it to the next directory, or not: the row is made to
    say so. Some file systems keep no marks."""
    row = restore(job, root)
    (root / RUN).rename(root / "kept")
    (root / RUN).mkdir()
    (root / RUN / "precious").write_text("mine")
    mark = row.mark if has_marks else ""
    identity = f"{(root / RUN).stat().st_ino}:{mark}"
    Restore.objects.update(made_identity=identity, expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert "was left" in Restore.objects.get().message
    assert (root / RUN / "precious").read_text() == "mine"


@pytest.mark.parametrize("change", ["add", "write", "link"])
def test_what_others_put_into_it_is_left(
    root: Path, job: ArchiveJob, change: str
) -> None:
    restore(job, root)
    folder = root / RUN
    if change == "add":
        (folder / "Data" / "mine.txt").write_text("weeks of work")
    elif change == "write":
        (folder / "RunInfo.xml").write_text("mine")
        os.utime(folder / "RunInfo.xml", (0, 0))
    else:
        (folder / "mine").symlink_to("Data")
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    row = Restore.objects.get()
    assert row.state == RestoreState.EXPIRED
    assert "files in it (1) were not restored" in row.message
    assert (folder / "Data/Intensities/s_1.bcl").is_file()


def test_what_others_took_out_of_it_keeps_nothing(root: Path, job: ArchiveJob) -> None:
    restore(job, root)
    (root / RUN / "RunInfo.xml").unlink()
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert list(root.iterdir()) == []


def stop_once_it_appeared(
    row: Restore, monkeypatch: pytest.MonkeyPatch, *, is_noted: bool
) -> None:
    """SeqHub is stopped at that very moment, which only a stand-in can hit."""

    def stop(*_: object) -> None:
        raise Cancelled(143)

    with monkeypatch.context() as patch:
        patch.setattr(placing, "Placed" if is_noted else "remove_known", stop)
        with pytest.raises(Cancelled):
            run_again(row)


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_folder_that_appeared_goes_when_the_restore_is_cancelled(
    root: Path, job: ArchiveJob, monkeypatch: pytest.MonkeyPatch, *, is_noted: bool
) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    stop_once_it_appeared(row, monkeypatch, is_noted=is_noted)
    assert (root / RUN).is_dir()
    cancel_restore(row.pk, actor=SHELL)
    assert expire_due(HOST) == 1
    assert list(root.iterdir()) == []
    assert not PassedOver.objects.exists()
    assert expire_due(HOST) == 0


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_folder_that_appeared_is_had_when_the_restore_is_retried(
    root: Path, job: ArchiveJob, monkeypatch: pytest.MonkeyPatch, *, is_noted: bool
) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    stop_once_it_appeared(row, monkeypatch, is_noted=is_noted)
    cancel_restore(row.pk, actor=SHELL)
    retry_restore(row.pk, actor=SHELL)
    done = run_again(row)
    assert (done.state, done.has_partial) == (RestoreState.AVAILABLE, False)
    assert done.expires_at is not None
    assert list(root.iterdir()) == [root / RUN]


def test_what_left_the_directories_for_restores_is_left(
    site: Site, root: Path, job: ArchiveJob
) -> None:
    restore(job, root)
    site.configure(restore_roots=[site.path / "other"])
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert (root / RUN).is_dir()


def test_a_disk_that_is_away_is_waited_for(root: Path, job: ArchiveJob) -> None:
    restore(job, root)
    Restore.objects.update(expires_at=timezone.now())
    away = root.rename(root.with_name("away"))
    assert expire_due(HOST) == 0
    away.rename(root)
    assert expire_due(HOST) == 1
    assert not (root / RUN).exists()


def test_a_removal_that_was_interrupted_is_gone_on_with(
    root: Path, job: ArchiveJob
) -> None:
    row = restore(job, root)
    (root / RUN).rename(partial_path(row, root))
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert list(root.iterdir()) == []


def test_its_time_can_be_extended(root: Path, job: ArchiveJob) -> None:
    row = restore(job, root)
    Restore.objects.update(expires_at=timezone.now())
    extend_restore(row.pk, actor=SHELL, reason="Not yet.")
    assert expire_due(HOST) == 0
    assert (root / RUN).is_dir()
