"""Restores whose worker dies, falls silent or is stopped."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.errors import Code
from archiving.models import ArchiveJob, Restore
from archiving.services import placing
from archiving.services.expiry import expire_due
from archiving.services.folders import identity_of
from archiving.services.restores import (
    cancel_restore,
    claim_next_restore,
    claim_restore,
    request_restore,
    run_restore,
)
from archiving.services.targets import partial_path, wanted_members
from tests.archiving.runs import FILES, RUN, SHELL
from tests.archiving.services.archives import WORKER, differences, restore, run_again
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)
DAY = dt.timedelta(days=1)


def hidden(directory: Path) -> list[Path]:
    return list(directory.glob(".*"))


@pytest.fixture
def gone() -> str:
    """The id of a worker whose process has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return f"testhost:{process.pid}:dead"


def leave_partial(job: ArchiveJob, root: Path, worker_id: str) -> tuple[Restore, Path]:
    """A claim that has expired, and where its worker has written."""
    row = request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    assert claim_restore(row.pk, HOST, worker_id) is not None
    assert claim_next_restore(HOST, WORKER) is None
    row.mark = "aa"
    partial = partial_path(row, root)
    partial.mkdir(mode=0o700)
    (partial / RUN).mkdir()
    Restore.objects.update(
        lease_until=timezone.now() - DAY,
        has_partial=True,
        partial_by=worker_id,
        partial_identity=identity_of(partial),
        mark=row.mark,
    )
    return row, partial


def go_on() -> Restore:
    claimed = claim_next_restore(HOST, WORKER)
    assert claimed is not None
    return run_restore(claimed)


def test_an_interrupted_restore_is_gone_on_with(
    root: Path, job: ArchiveJob, gone: str
) -> None:
    """A killed worker left a whole file, half a file, and its claim."""
    _, partial = leave_partial(job, root, gone)
    (partial / RUN / "Data/Intensities").mkdir(parents=True)
    shutil.copy2(job.location / "RunInfo.xml", partial / RUN / "RunInfo.xml")
    inode = (partial / RUN / "RunInfo.xml").stat().st_ino
    (partial / RUN / "Data/Intensities/s_1.bcl").write_bytes(b"half")
    done = go_on()
    assert (done.state, done.failure_count) == (RestoreState.AVAILABLE, 0)
    assert differences(root / RUN, job.location) == ""
    assert (root / RUN / "RunInfo.xml").stat().st_ino == inode
    assert hidden(root) == []


def test_what_a_worker_that_may_wake_up_has_made_is_not_gone_on_with(
    root: Path, job: ArchiveJob
) -> None:
    """Our parent stands for it: a process that lives and is not this one."""
    _, partial = leave_partial(job, root, f"testhost:{os.getppid()}:aa")
    shutil.copy2(job.location / "RunInfo.xml", partial / RUN / "RunInfo.xml")
    inode = (partial / RUN / "RunInfo.xml").stat().st_ino
    # Kept open, so that its number is not given again.
    with (partial / RUN / "RunInfo.xml").open("rb"):
        assert go_on().state == RestoreState.AVAILABLE
        assert (root / RUN / "RunInfo.xml").stat().st_ino != inode
    assert hidden(root) == []


def test_what_somebody_put_into_it_does_not_appear(
    root: Path, job: ArchiveJob, gone: str
) -> None:
    row, partial = leave_partial(job, root, gone)
    (partial / RUN / "planted").write_text("not sealed")
    failed = go_on()
    assert (failed.state, failed.code) == (RestoreState.REQUESTED, Code.ARCHIVE_DAMAGED)
    assert not (root / RUN).exists()
    assert run_again(row).state == RestoreState.AVAILABLE
    assert differences(root / RUN, job.location) == ""
    assert hidden(root) == []


def test_a_link_in_its_place_is_not_followed(
    root: Path, job: ArchiveJob, gone: str
) -> None:
    """It leads to the run itself, which has changed since it was sealed."""
    (job.location / "RunInfo.xml").write_text("<changed since/>")
    _, partial = leave_partial(job, root, gone)
    partial.rename(root / "away")
    partial.symlink_to(job.location.parent)
    done = go_on()
    assert done.state == RestoreState.AVAILABLE
    assert (job.location / "RunInfo.xml").read_text() == "<changed since/>"
    assert (root / RUN / "RunInfo.xml").read_bytes() == FILES["RunInfo.xml"]
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert job.location.is_dir()
    assert not (root / RUN).exists()


def test_a_directory_of_another_in_its_place_is_left(
    root: Path, job: ArchiveJob, gone: str
) -> None:
    _, partial = leave_partial(job, root, gone)
    partial.rename(root / "away")
    partial.mkdir(mode=0o700)
    (partial / "precious").write_text("mine")
    assert go_on().state == RestoreState.AVAILABLE
    assert differences(root / RUN, job.location) == ""
    assert (partial / "precious").read_text() == "mine"


def test_a_link_that_takes_its_place_meanwhile_is_not_followed(
    root: Path, job: ArchiveJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in puts it there at the worst moment: just before tar starts."""
    (job.location / "RunInfo.xml").unlink()

    def exchange(*arguments: Any) -> list[bytes] | None:
        (partial,) = hidden(root)
        partial.rename(root / "away")
        partial.symlink_to(job.location.parent)
        return wanted_members(*arguments)

    monkeypatch.setattr(placing, "wanted_members", exchange)
    assert restore(job, root).state == RestoreState.AVAILABLE
    assert (root / RUN / "RunInfo.xml").read_bytes() == FILES["RunInfo.xml"]
    assert job.location.is_dir()
    assert not (job.location / "RunInfo.xml").exists()


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
    assert list(root.iterdir()) == []
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
