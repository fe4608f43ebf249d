"""Restores whose worker dies, falls silent or is stopped."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.models import ArchiveJob, Restore
from archiving.services.restores import (
    cancel_restore,
    claim_next_restore,
    claim_restore,
    request_restore,
    run_restore,
)
from tests.archiving.runs import FILES, RUN, SHELL
from tests.archiving.services.archives import WORKER, differences, restore, run_again
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.timedelta(days=1)


def hidden(directory: Path) -> list[Path]:
    return list(directory.glob(".*"))


def test_an_interrupted_restore_is_gone_on_with(root: Path, job: ArchiveJob) -> None:
    """A killed worker left a whole file, half a file, and its claim."""
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    assert claim_restore(row.pk, HOST, "testhost:1:dead") is not None
    partial = root / f".{RUN}.{row.pk}.partial"
    (partial / RUN).mkdir(parents=True)
    shutil.copy2(job.location / "RunInfo.xml", partial / RUN / "RunInfo.xml")
    inode = (partial / RUN / "RunInfo.xml").stat().st_ino
    (partial / RUN / "Data/Intensities").mkdir(parents=True)
    (partial / RUN / "Data/Intensities/s_1.bcl").write_bytes(b"half")
    assert claim_next_restore(HOST, WORKER) is None
    Restore.objects.update(lease_until=timezone.now() - DAY)
    claimed = claim_next_restore(HOST, WORKER)
    assert claimed is not None
    done = run_restore(claimed)
    assert (done.state, done.failure_count) == (RestoreState.AVAILABLE, 0)
    assert differences(root / RUN, job.location) == ""
    assert (root / RUN / "RunInfo.xml").stat().st_ino == inode
    assert hidden(root) == []


def test_a_worker_that_died_after_the_folder_appeared_is_followed(
    root: Path, job: ArchiveJob
) -> None:
    row = restore(job, root)
    Restore.objects.update(
        state=RestoreState.RUNNING,
        worker_id="testhost:1:dead",
        lease_until=timezone.now() - DAY,
        expires_at=None,
    )
    claimed = claim_next_restore(HOST, WORKER)
    assert claimed is not None
    done = run_restore(claimed)
    assert (done.pk, done.state) == (row.pk, RestoreState.AVAILABLE)
    assert done.files_checked == len(FILES) + 1
    assert done.expires_at is not None


def test_a_worker_that_lost_its_claim_changes_nothing(
    root: Path, job: ArchiveJob
) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    old = claim_restore(row.pk, HOST, "testhost:1:old")
    assert old is not None
    Restore.objects.update(lease_until=timezone.now() - DAY)
    new = claim_next_restore(HOST, "testhost:2:new")
    assert new is not None
    run_restore(old)
    assert not (root / RUN).exists()
    assert run_restore(new).state == RestoreState.AVAILABLE
    assert differences(root / RUN, job.location) == ""


def test_an_archive_that_was_replaced_meanwhile_is_restored_again(
    root: Path, job: ArchiveJob
) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    claimed = claim_restore(row.pk, HOST, WORKER)
    assert claimed is not None
    assert claimed.job.sealed_attempt == 1
    ArchiveJob.objects.update(sealed_attempt=2)
    given_back = run_restore(claimed)
    assert (given_back.state, given_back.failure_count) == (RestoreState.REQUESTED, 0)
    assert not (root / RUN).exists()
    assert run_again(given_back).state == RestoreState.AVAILABLE


def test_one_that_runs_is_cancelled_and_leaves_nothing(
    root: Path, job: ArchiveJob
) -> None:
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    claimed = claim_restore(row.pk, HOST, WORKER)
    assert claimed is not None
    cancel_restore(row.pk, actor=SHELL, reason="Not needed.")
    assert run_restore(claimed).state == RestoreState.CANCELLED
    assert list(root.iterdir()) == []
