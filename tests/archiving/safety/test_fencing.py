"""A worker that slept through its lease finds that the job is no longer its own."""

from __future__ import annotations

import datetime as dt
import signal

import pytest
from django.utils import timezone

from archiving.choices import Outcome, Status
from archiving.models import ArchiveJob
from archiving.services.claiming import claim_next, take_back_expired
from archiving.services.work import work
from seqhub.lib.lease import expired
from tests.archiving.safety import worker
from tests.archiving.safety.ground import Ground, Worker, eventually
from tests.factories import HOST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def put_to_sleep(ground: Ground, point: str) -> Worker:
    sleeper = ground.start(point)
    sleeper.wait_until_trapped()
    sleeper.process.send_signal(signal.SIGSTOP)
    sleeper.let_go()
    return sleeper


def files(ground: Ground) -> dict[str, bytes]:
    """All that archives are made of."""
    places = (ground.destination, ground.data / "run_keys", ground.data / "manifests")
    return {
        str(path): path.read_bytes() for place in places for path in place.iterdir()
    }


@pytest.mark.parametrize(
    "point",
    [worker.CLAIMED, worker.SEALING_HALF, worker.VERIFYING_HALF, worker.NOTING],
)
def test_a_worker_that_wakes_up_too_late_leaves_no_trace(
    ground: Ground, point: str
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    sleeper = put_to_sleep(ground, point)
    eventually(lambda: take_back_expired(HOST), "the end of the lease")
    work(HOST)
    job.refresh_from_db()
    assert (job.status, job.sealed_attempt) == (Status.ENCRYPTED, 2)
    before = files(ground)
    sleeper.process.send_signal(signal.SIGCONT)
    ended = sleeper.wait()
    assert (ended.returncode, ended.outcome) == (0, Outcome.LOST)
    assert files(ground) == before
    ground.check_sealed(job, run, ended.keys)
    assert job.sealed_attempt == 2


def test_what_was_noted_down_is_published_by_whoever_comes(ground: Ground) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    sleeper = put_to_sleep(ground, worker.NOTED)
    eventually(lambda: take_back_expired(HOST), "the end of the lease")
    ground.check_nothing_half(job, run)
    before = files(ground)
    sleeper.process.send_signal(signal.SIGCONT)
    ended = sleeper.wait()
    assert (ended.returncode, ended.outcome) == (0, Outcome.SEALED)
    assert files(ground) == before
    ground.check_sealed(job, run, ended.keys)
    assert job.sealed_attempt == 1


def test_nobody_interferes_with_one_that_sleeps_while_it_publishes(
    ground: Ground,
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    sleeper = put_to_sleep(ground, worker.NAMED[0])
    job.refresh_from_db()
    eventually(lambda: is_expired(job.pk), "the end of the lease")
    assert take_back_expired(HOST) == 0
    assert claim_next(HOST, "testhost:1:bb") is None
    sleeper.process.send_signal(signal.SIGCONT)
    ended = sleeper.wait()
    assert ended.outcome == Outcome.SEALED
    ground.check_sealed(job, run, ended.keys)


def is_expired(job_id: int) -> bool:
    return ArchiveJob.objects.filter(expired(), pk=job_id).exists()


@pytest.mark.parametrize("clock_s", [86_400, -86_400])
def test_a_clock_that_is_a_day_off_neither_loses_nor_steals_a_lease(
    ground: Ground, clock_s: int
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    other = ground.add_job(ground.add_big_run("240201_A00834_0184_AHMTFYDRXX"))
    held = claim_next(HOST, "testhost:1:bb")
    assert held == job
    # It takes the other job, for longer than a lease, and nobody else may.
    off = ground.start(worker.SEALING_HALF, clock_s=clock_s)
    off.wait_until_trapped()
    other.refresh_from_db()
    assert other.status == Status.PROCESSING
    ends: set[object] = set()
    eventually(lambda: len(ends_seen(other, ends)) > 5, "renewals")
    assert take_back_expired(HOST) == 1, "only that which nobody renewed"
    off.let_go()
    assert off.wait().outcome == Outcome.SEALED
    ground.recover(job)
    ground.check_sealed(job, run)


def ends_seen(job: ArchiveJob, ends: set[object]) -> set[object]:
    """Add when the lease ends now."""
    job.refresh_from_db()
    ends.add(job.lease_until)
    return ends


@pytest.mark.parametrize("clock_s", [86_400, -86_400])
def test_a_pause_is_no_longer_where_the_clock_is_a_day_off(
    ground: Ground, clock_s: int
) -> None:
    job = ground.add_job(ground.add_big_run())
    job.archive_path.write_text("somebody's")
    ended = ground.start(worker.NOWHERE, clock_s=clock_s).wait()
    assert ended.outcome == Outcome.FAILED
    job.refresh_from_db()
    assert job.not_before is not None
    minute = dt.timedelta(minutes=1)
    assert 3 * minute < job.not_before - timezone.now() < 6 * minute
