from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
from collections.abc import Callable

import pytest
from django.utils import timezone

from archiving.choices import CheckState, Outcome, Stage, Status, Verified
from archiving.errors import Code, Trouble
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services import jobs
from archiving.services.claiming import claim_job, claim_next, take_back_expired
from archiving.services.sealing import seal_job
from seqhub.operations.models import Attention, Event
from tests.archiving.keys import add_key
from tests.archiving.runs import FILES, RUN, SENTINEL, SHELL, Site
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def seal(job: ArchiveJob) -> ArchiveAttempt:
    claimed = claim_job(job.pk, HOST, "testhost:1:aa")
    assert claimed is not None
    attempt = seal_job(claimed)
    job.refresh_from_db()
    return attempt


class Meddler:
    """Does something when the work comes to a stage."""

    def __init__(self, when: Stage, what: Callable[[], object]) -> None:
        self.when, self.what = when, what

    def stage(self, stage: Stage) -> None:
        if stage == self.when:
            self.what()

    def tick(self, bytes_done: int, files_done: int) -> None:
        pass


def seal_meddled(
    job: ArchiveJob, when: Stage, what: Callable[[], object]
) -> ArchiveAttempt:
    claimed = claim_job(job.pk, HOST, "testhost:1:aa")
    assert claimed is not None
    attempt = seal_job(claimed, reporter=Meddler(when, what))
    job.refresh_from_db()
    return attempt


def test_a_run_becomes_an_archive_that_stock_gpg_and_tar_open(site: Site) -> None:
    job = site.add_job()
    attempt = seal(job)
    assert (attempt.outcome, attempt.message) == (Outcome.SEALED, "")
    assert (job.status, job.verification) == (Status.ENCRYPTED, Verified.VERIFIED)
    assert job.sealed_attempt == attempt.number == 1
    assert job.source_files == len(FILES) + 1
    files = {f"{RUN}/{name}" for name in (*FILES, SENTINEL)}
    assert files < set(site.members(job))
    assert job.archive_bytes == job.archive_path.stat().st_size
    assert job.sealed_manifest_path.is_file()
    assert job.key_path.read_bytes() == bytes(job.wrapped_key or b"")
    manifest = site.data / "manifests" / f"{job.pk}.manifest"
    assert manifest.stat().st_mode & 0o777 == 0o600
    assert site.left_over() == []


def test_a_sealed_archive_tells_what_was_checked_and_who_can_open_it(
    site: Site,
) -> None:
    job = site.add_job()
    seal(job)
    check = job.verifications.get()
    assert (check.state, check.with_source) == (CheckState.OK, True)
    assert check.checked
    assert check.not_checked
    assert [key.fingerprint for key in job.recipients.all()] == [site.fingerprint]
    kinds = Event.objects.filter(subject=job.subject).order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == [
        "registered",
        "claimed",
        "sealed",
    ]


def test_it_waits_for_space_and_tells_how_much_is_missing(site: Site) -> None:
    site.configure(free_space_margin_gb=10**9)
    job = site.add_job()
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.WAITING, Code.NO_SPACE)
    assert (job.status, job.failure_count) == (Status.PENDING, 0)
    assert job.not_before is not None
    assert job.not_before > timezone.now()
    assert "free" in job.message
    assert "archiving.destination_path" in job.next_step
    assert Attention.objects.get(subject=job.subject).code == "archive_waiting"
    assert site.left_over() == []
    seal(job)
    assert job.attempts.count() == 1, "an hour of waiting is one row"
    site.configure(free_space_margin_gb=0)
    assert seal(job).outcome == Outcome.SEALED
    assert not Attention.objects.exists()


def test_a_disk_that_fills_in_the_middle_is_waited_for(site: Site) -> None:
    job = site.add_job()

    def full() -> None:
        raise Trouble(Code.NO_SPACE, "2 GiB left", "Free space there.")

    attempt = seal_meddled(job, Stage.SYNCING, full)
    assert (attempt.outcome, attempt.code) == (Outcome.WAITING, Code.NO_SPACE)
    assert list(site.destination.iterdir()) == site.left_over() == []


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ({"expired": True}, Code.RECIPIENT_EXPIRED),
        ({"sign_only": True}, Code.RECIPIENT_UNUSABLE),
    ],
)
def test_it_waits_for_a_recipient_that_can_be_used(
    site: Site, key: dict[str, bool], code: Code
) -> None:
    bad = add_key(site.gnupg, "bad", **key)  # type: ignore[arg-type]
    site.configure(gpg_receivers=[site.fingerprint, bad])
    job = site.add_job()
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.WAITING, code)
    assert job.failure_count == 0
    assert not list(site.destination.iterdir())


def test_a_file_that_it_has_not_made_is_left_alone(site: Site) -> None:
    job = site.add_job()
    job.archive_path.write_text("somebody's")
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (
        Outcome.FAILED,
        Code.DESTINATION_OCCUPIED,
    )
    assert job.archive_path.read_text() == "somebody's"


def test_a_destination_that_lost_its_archives_is_taken_for_unmounted(
    site: Site,
) -> None:
    first = site.add_job()
    seal(first)
    for path in site.destination.iterdir():
        path.unlink()
    job = site.add_job(site.add_run(name="240201_A00834_0184_AHMTFYDRXX"))
    attempt = seal(job)
    assert (attempt.outcome, attempt.code) == (
        Outcome.WAITING,
        Code.DESTINATION_MISSING,
    )


def test_a_run_that_changes_is_not_sealed(site: Site) -> None:
    run = site.add_run()
    job = site.add_job(run)
    attempt = seal_meddled(
        job, Stage.VERIFYING, lambda: (run / "RunInfo.xml").write_text("other")
    )
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_CHANGED)
    assert "RunInfo.xml" in attempt.message
    assert job.not_before is not None
    assert list(site.destination.iterdir()) == site.left_over() == []


def test_an_archive_that_the_disk_changed_is_not_published(site: Site) -> None:
    job = site.add_job()

    def flip() -> None:
        (partial,) = site.destination.glob("*.tar.gpg.1.partial")
        content = bytearray(partial.read_bytes())
        content[len(content) // 2] ^= 1
        partial.write_bytes(content)

    attempt = seal_meddled(job, Stage.VERIFYING, flip)
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.ARCHIVE_DAMAGED)
    assert list(site.destination.iterdir()) == []


def test_the_third_failure_is_the_last(site: Site) -> None:
    run = site.add_run()
    job = site.add_job(run)
    run.rename(run.with_name("elsewhere"))
    pauses = []
    for _ in range(3):
        attempt = seal(job)
        assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_MISSING)
        if job.not_before:
            pauses.append(
                round((job.not_before - timezone.now()) / dt.timedelta(minutes=1))
            )
    assert pauses == [5, 30]
    assert (job.status, job.failure_count) == (Status.FAILED, 3)
    assert Attention.objects.get(subject=job.subject).code == "archive_failed"
    run.with_name("elsewhere").rename(run)
    jobs.retry(job.pk, actor=SHELL)
    assert not Attention.objects.exists()
    assert seal(job).outcome == Outcome.SEALED
    assert job.failure_count == 0


def test_what_nobody_foresaw_keeps_its_traceback(site: Site) -> None:
    job = site.add_job()

    def surprise() -> None:
        raise ZeroDivisionError("nobody foresaw it")

    attempt = seal_meddled(job, Stage.COMPARING, surprise)
    assert (attempt.outcome, attempt.code) == (Outcome.ERRORED, Code.SURPRISE)
    assert "ZeroDivisionError" in attempt.traceback
    assert attempt.stage == Stage.COMPARING
    assert (job.status, job.failure_count) == (Status.PENDING, 1)
    assert site.left_over() == []


def test_a_person_cancels_it_and_it_stays_cancelled(site: Site) -> None:
    job = site.add_job()
    attempt = seal_meddled(
        job,
        Stage.VERIFYING,
        lambda: jobs.cancel(job.pk, actor=SHELL, reason="wrong run"),
    )
    assert attempt.outcome == Outcome.CANCELLED
    assert (job.status, job.failure_count) == (Status.PENDING, 0)
    assert job.held_at is not None
    assert (job.held_by, job.held_reason) == ("anna", "wrong run")
    assert claim_next(HOST, "testhost:1:bb") is None
    assert list(site.destination.iterdir()) == site.left_over() == []


def test_a_failed_reseal_leaves_the_old_archive_in_place(site: Site) -> None:
    run = site.add_run()
    job = site.add_job(run)
    seal(job)
    before = {path: path.read_bytes() for path in site.destination.iterdir()}
    jobs.reseal(job.pk, actor=SHELL, reason="new key")
    job.refresh_from_db()
    seal_meddled(job, Stage.VERIFYING, lambda: (run / "late").touch())
    attempt = seal_meddled(job, Stage.SEALING, lambda: jobs.cancel(job.pk, actor=SHELL))
    assert attempt.outcome == Outcome.CANCELLED
    assert (job.status, job.sealed_attempt) == (Status.ENCRYPTED, 1)
    after = {path: path.read_bytes() for path in site.destination.iterdir()}
    assert after == before


def test_a_reseal_replaces_the_archive_and_its_key(site: Site) -> None:
    job = site.add_job()
    seal(job)
    old = job.archive_sha256, job.key_sha256
    jobs.reseal(job.pk, actor=SHELL)
    assert seal(job).outcome == Outcome.SEALED
    assert job.sealed_attempt == 2
    assert job.archive_sha256 != old[0]
    assert job.key_sha256 != old[1]
    assert f"{RUN}/RunInfo.xml" in site.members(job)


def test_a_name_that_is_no_text_is_sealed_as_it_is(site: Site) -> None:
    run = site.sequencing / "A00834" / os.fsdecode(b"run\xe5 1\n")
    run.mkdir(parents=True)
    (run / "file").write_bytes(b"x")
    job = site.add_job(run)
    assert seal(job).outcome == Outcome.SEALED
    assert job.name == "run\\xe5 1\n"


def lines_until(worker: subprocess.Popen[str], wanted: str) -> None:
    assert worker.stdout
    while (line := worker.stdout.readline()) != f"{wanted}\n":
        assert line, "the worker ended"


def go_on(worker: subprocess.Popen[str]) -> str:
    output, _ = worker.communicate("\n", timeout=60)
    return output.strip()


@pytest.mark.slow
@pytest.mark.parametrize("stage", [Stage.SEALING, Stage.WRAPPING, Stage.PUBLISHING])
def test_a_worker_that_slept_through_its_lease_leaves_no_trace(
    site: Site, stage: Stage
) -> None:
    site.configure(lease_s=2)
    job = site.add_job()
    worker = site.start_worker("seal", stage.value)
    lines_until(worker, f"at {stage.value}")
    worker.send_signal(signal.SIGSTOP)
    expire(job)
    assert take_back_expired(HOST) == 1
    job.refresh_from_db()
    assert job.attempts.get().outcome == Outcome.LOST
    assert seal(job).outcome == Outcome.SEALED
    before = {path: path.read_bytes() for path in site.path.rglob("*.gpg")}
    worker.send_signal(signal.SIGCONT)
    assert go_on(worker) == Outcome.LOST
    job.refresh_from_db()
    assert (job.status, job.sealed_attempt) == (Status.ENCRYPTED, 2)
    assert {path: path.read_bytes() for path in site.path.rglob("*.gpg")} == before
    assert site.left_over() == []


def expire(job: ArchiveJob) -> None:
    """Let the lease end, as if the worker had been silent for long."""
    past = timezone.now() - dt.timedelta(hours=1)
    ArchiveJob.objects.filter(pk=job.pk).update(lease_until=past)


@pytest.mark.slow
def test_a_stop_gives_the_claim_back_and_counts_nothing(site: Site) -> None:
    job = site.add_job()
    worker = site.start_worker("seal", Stage.VERIFYING)
    lines_until(worker, "at verifying")
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=60)
    job.refresh_from_db()
    assert job.attempts.get().outcome == Outcome.CANCELLED
    assert (job.status, job.failure_count) == (Status.PENDING, 0)
    assert (job.worker_id, job.held_at) == ("", None)
    assert claim_next(HOST, "testhost:1:bb") is not None
    assert list(site.destination.iterdir()) == site.left_over() == []
