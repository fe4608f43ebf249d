"""What a killed worker takes along, and what a lost database costs."""

from __future__ import annotations

import datetime as dt
import subprocess
import time

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from archiving.choices import Outcome, Stage, Status, Verified
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services.work import tend, work
from tests.archiving.runs import RUN, Site
from tests.factories import HOST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def job(site: Site) -> ArchiveJob:
    return site.add_job()


def start(site: Site, stage: Stage) -> subprocess.Popen[str]:
    """A worker that waits at the stage."""
    worker = site.start_worker("seal", stage.value)
    assert worker.stdout
    assert worker.stdout.readline() == f"at {stage.value}\n"
    return worker


def recover(job: ArchiveJob) -> None:
    """What the ticks do once the lease is over."""
    past = timezone.now() - dt.timedelta(hours=1)
    ArchiveJob.objects.filter(worker_id__gt="").update(lease_until=past)
    tend(HOST)
    # The pause after a failure is over, too.
    ArchiveJob.objects.update(not_before=None)
    work(HOST)
    job.refresh_from_db()


def assert_sealed(site: Site, job: ArchiveJob) -> None:
    assert (job.status, job.verification) == (Status.ENCRYPTED, Verified.VERIFIED)
    assert f"{RUN}/RunInfo.xml" in site.members(job)
    assert site.left_over() == []


def test_tar_and_gpg_go_with_a_killed_worker(site: Site, job: ArchiveJob) -> None:
    large = job.location / "large"
    with large.open("wb") as file:
        file.truncate(4 << 30)
    worker = site.start_worker("seal", "none")
    while not any(path.stat().st_size for path in site.destination.iterdir()):
        assert worker.poll() is None
        time.sleep(0.05)
    found = psutil.Process(worker.pid).children(recursive=True)
    assert {process.name() for process in found} >= {"gpg", "tar"}
    worker.kill()
    worker.communicate()
    gone, alive = psutil.wait_procs(found, timeout=10)
    assert (len(gone), alive) == (len(found), [])
    large.unlink()
    recover(job)
    assert_sealed(site, job)


def test_a_database_that_was_away_for_a_moment_costs_nothing(
    site: Site, job: ArchiveJob
) -> None:
    worker = start(site, Stage.VERIFYING)
    end_connections()
    output, _ = worker.communicate("\n", timeout=60)
    assert output.strip() == Outcome.SEALED
    job.refresh_from_db()
    assert ArchiveAttempt.objects.get().outcome == Outcome.SEALED
    assert_sealed(site, job)


def end_connections() -> None:
    """What a restart of PostgreSQL does to every other client."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
