from __future__ import annotations

import os
import shutil

import pytest

from archiving.choices import Outcome, Stage, Status, Verified
from archiving.errors import Code
from archiving.services import jobs
from archiving.services.claiming import claim_job
from archiving.services.sealing import seal_job
from seqhub.operations.models import Attention
from tests.archiving.runs import RUN, SHELL, Site
from tests.archiving.services.test_sealing import seal, seal_meddled
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)

OLD_NS = 1_700_000_000_123_456_789


def test_a_run_that_lost_files_does_not_replace_its_archive(site: Site) -> None:
    job = site.add_job()
    seal(job)
    before = job.archive_path.read_bytes(), job.key_path.read_bytes()
    shutil.rmtree(job.location / "Data")
    jobs.reseal(job.pk, actor=SHELL)
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_LACKS)
    assert f"{RUN}/Data" in job.message
    assert (job.status, job.verification) == (Status.ENCRYPTED, Verified.VERIFIED)
    assert (job.not_before, job.failure_count) == (None, 1)
    assert (job.archive_path.read_bytes(), job.key_path.read_bytes()) == before
    assert Attention.objects.get(subject=job.subject).code == "archive_failed"
    assert site.left_over() == []


def test_a_run_that_grew_replaces_its_archive(site: Site) -> None:
    job = site.add_job()
    seal(job)
    (job.location / "Data" / "new").write_bytes(b"new")
    jobs.reseal(job.pk, actor=SHELL)
    assert seal(job).outcome == Outcome.SEALED
    assert f"{RUN}/Data/new" in site.members(job)


def test_an_empty_run_folder_is_waited_for(site: Site) -> None:
    run = site.add_run()
    job = site.add_job(run)
    away = run.rename(site.path / "away")
    run.mkdir()
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.WAITING, Code.SOURCE_EMPTY)
    assert "mounted" in job.next_step
    assert Attention.objects.get(subject=job.subject).code == "archive_waiting"
    assert list(site.destination.iterdir()) == site.left_over() == []
    run.rmdir()
    away.rename(run)
    assert seal(job).outcome == Outcome.SEALED


def test_exclusions_that_leave_no_file_are_told(site: Site) -> None:
    site.configure(tar_exclusions=["*"])
    job = site.add_job()
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.WAITING, Code.SOURCE_EMPTY)
    assert "tar_exclusions" in job.message


def test_the_key_is_wrapped_before_anything_is_read(site: Site) -> None:
    job = site.add_job()
    stages: list[Stage] = []
    claimed = claim_job(job.pk, HOST, "testhost:1:aa")
    assert claimed is not None
    seal_job(claimed, reporter=Listener(stages))
    assert stages.index(Stage.WRAPPING) < stages.index(Stage.SURVEYING)


def test_a_file_written_again_within_its_second_is_a_change(site: Site) -> None:
    run = site.add_run()
    file = run / "RunInfo.xml"
    os.utime(file, ns=(OLD_NS, OLD_NS))
    job = site.add_job(run)

    def write_again() -> None:
        file.write_bytes(b"B" * len(file.read_bytes()))
        os.utime(file, ns=(OLD_NS, OLD_NS))

    attempt = seal_meddled(job, Stage.VERIFYING, write_again)
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_CHANGED)
    assert not job.archive_path.exists()
    assert site.left_over() == []
    assert seal(job).outcome == Outcome.SEALED


class Listener:
    """Hears the stages."""

    def __init__(self, stages: list[Stage]) -> None:
        self._stages = stages

    def stage(self, stage: Stage) -> None:
        self._stages.append(stage)

    def tick(self, bytes_done: int, files_done: int) -> None:
        pass
