"""kill -9 at every step of a seal: nothing is lost, nothing half is left."""

from __future__ import annotations

import signal

import pytest
from django.db import connection

from archiving.choices import Outcome, Stage, Status
from archiving.errors import Code
from archiving.models import ArchiveJob
from archiving.services import jobs
from archiving.services.work import tend, work
from seqhub.operations.models import Attention
from tests.archiving.runs import SHELL
from tests.archiving.safety import worker
from tests.archiving.safety.ground import Ended, Ground, eventually, processes_below
from tests.factories import HOST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

POINTS = [
    worker.CLAIMING,
    worker.CLAIMED,
    # A restore writes; a seal never comes to that.
    *(stage.value for stage in Stage if stage != Stage.WRITING),
    worker.SEALING_HALF,
    worker.VERIFYING_HALF,
    worker.NOTING,
    worker.NOTED,
    *worker.NAMED,
    worker.FLIPPED,
    worker.COMMITTED,
]
# Before these an old archive is not touched.
POINTS_OF_RESEAL = [
    worker.SEALING_HALF,
    Stage.WRAPPING.value,
    worker.NOTING,
    worker.NOTED,
    *worker.NAMED,
    worker.FLIPPED,
    worker.COMMITTED,
]
# From then on what was made is published, whatever happens.
ROLLS_FORWARD = {worker.NOTED, *worker.NAMED, worker.FLIPPED, worker.COMMITTED}
HAS_ARCHIVE = {"named-archive", worker.FLIPPED, worker.COMMITTED}


def kill(ground: Ground, point: str, victim: str = "worker") -> Ended:
    """Let a worker be killed there; its children end with it."""
    ended = ground.start(point, victim).wait()
    assert ended.returncode == -signal.SIGKILL, "the trap was never reached"
    eventually(lambda: not processes_below(ground.path), "the end of tar and gpg")
    return ended


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_loses_nothing(ground: Ground, point: str) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    ended = kill(ground, point)
    assert ground.check_nothing_half(job, run) == (point in HAS_ARCHIVE)
    ground.recover(job)
    ground.check_sealed(job, run, ended.keys)
    outcomes = list(job.attempts.order_by("number").values_list("outcome", flat=True))
    if point in ROLLS_FORWARD or point == worker.CLAIMING:
        assert outcomes == [Outcome.SEALED]
    else:
        assert outcomes == [Outcome.LOST, Outcome.SEALED]
    assert not Attention.objects.exists()


@pytest.mark.parametrize("point", POINTS_OF_RESEAL)
def test_an_old_archive_opens_until_the_new_one_is_whole(
    ground: Ground, point: str
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    ground.seal(job)
    old = job.archive_sha256
    jobs.reseal(job.pk, actor=SHELL)
    ended = kill(ground, point)
    assert ground.check_nothing_half(job, run)
    ground.recover(job)
    ground.check_sealed(job, run, ended.keys)
    assert job.archive_sha256 != old


@pytest.mark.parametrize("point", [worker.SEALING_HALF, worker.VERIFYING_HALF])
def test_all_killed_at_once_lose_nothing(ground: Ground, point: str) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    ended = kill(ground, point, "all")
    assert not ground.check_nothing_half(job, run)
    ground.recover(job)
    ground.check_sealed(job, run, ended.keys)


@pytest.mark.parametrize(
    ("point", "victim", "code"),
    [
        (worker.SEALING_HALF, "tar", Code.TAR_FAILED),
        (worker.SEALING_HALF, "gpg", Code.GPG_FAILED),
        (worker.VERIFYING_HALF, "gpg", Code.GPG_FAILED),
    ],
)
def test_a_killed_child_is_a_failure_and_tried_again(
    ground: Ground, point: str, victim: str, code: Code
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    ended = ground.start(point, victim).wait()
    assert ended.outcome == Outcome.FAILED
    attempt = job.attempts.get()
    assert attempt.code == code
    assert "signal 9" in attempt.message
    ground.check_tidy(ended.keys)
    assert not ground.check_nothing_half(job, run)
    job.refresh_from_db()
    assert (job.status, job.failure_count) == (Status.PENDING, 1)
    assert job.next_step
    make_due(job)
    work(HOST)
    ground.check_sealed(job, run, ended.keys)


def make_due(job: ArchiveJob) -> None:
    """Spare us the pause after a failure."""
    assert job.not_before is not None
    ArchiveJob.objects.filter(pk=job.pk).update(not_before=None)


def test_a_run_that_kills_its_workers_is_given_up(ground: Ground) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    for _ in range(3):
        kill(ground, worker.CLAIMED)
        eventually(lambda: is_taken_back(job), "the claim back")
    assert (job.status, job.code) == (Status.FAILED, Code.WORKER_LOST)
    assert Attention.objects.get(subject=job.subject).code == "archive_failed"
    ground.check_tidy()
    jobs.retry(job.pk, actor=SHELL)
    work(HOST)
    ground.check_sealed(job, run)


def is_taken_back(job: ArchiveJob) -> bool:
    tend(HOST)
    job.refresh_from_db()
    return not job.worker_id


@pytest.mark.parametrize(
    "point",
    [
        worker.CLAIMED,
        worker.SEALING_HALF,
        Stage.COMPARING.value,
        worker.NOTING,
        worker.NOTED,
        worker.NAMED[1],
        worker.FLIPPED,
        worker.COMMITTED,
    ],
)
def test_a_connection_that_is_lost_costs_nothing(ground: Ground, point: str) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    sealing = ground.start(point)
    sealing.wait_until_trapped()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    sealing.let_go()
    ended = sealing.wait()
    assert (ended.returncode, ended.outcome) == (0, Outcome.SEALED)
    ground.check_sealed(job, run, ended.keys)
    assert job.attempts.count() == job.verifications.count() == 1
