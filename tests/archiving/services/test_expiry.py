from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.models import ArchiveJob, Restore
from archiving.services.expiry import expire_due
from archiving.services.restores import (
    cancel_restore,
    expire_restore,
    extend_restore,
    request_restore,
    retry_restore,
)
from runfolders.models import PassedOver
from seqhub.operations.models import Event
from tests.archiving.runs import RUN, SHELL, Site
from tests.archiving.services.archives import restore, run_again
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_that_waits_is_cancelled_and_tidied_up(root: Path, job: ArchiveJob) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    (root / f".{RUN}.{row.pk}.partial" / RUN).mkdir(parents=True)
    Restore.objects.update(has_partial=True)
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
    (root / RUN).rename(root / f".{RUN}.{row.pk}.partial")
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert list(root.iterdir()) == []


def test_its_time_can_be_extended(root: Path, job: ArchiveJob) -> None:
    row = restore(job, root)
    Restore.objects.update(expires_at=timezone.now())
    extend_restore(row.pk, actor=SHELL, reason="Not yet.")
    assert expire_due(HOST) == 0
    assert (root / RUN).is_dir()
