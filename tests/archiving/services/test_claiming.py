from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from archiving.choices import Outcome, Status
from archiving.errors import Code
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services.claiming import claim_job, claim_next, take_back_expired
from archiving.services.naming import artifacts_of
from archiving.services.policy import current_policy
from archiving.services.sweeping import sweep
from runfolders.choices import RootStatus
from runfolders.models import Hold
from seqhub.operations.models import Event
from tests.archiving.factories import ArchiveJobFactory
from tests.archiving.runs import Site
from tests.factories import HOST, RootFactory, RunfolderFactory

JOBS = 200
PROCESSES = 8
ME = "testhost:1:aa"

pytestmark = pytest.mark.django_db(transaction=True)


def later(**interval: float) -> dt.datetime:
    return timezone.now() + dt.timedelta(**interval)


def test_what_people_asked_for_comes_first_then_the_oldest(site: Site) -> None:
    young = ArchiveJobFactory.create(created_at=later(hours=-1))
    old = ArchiveJobFactory.create(created_at=later(hours=-2))
    asked = ArchiveJobFactory.create(is_manual=True)
    site.configure(max_concurrent_jobs=4)
    claimed = [claim_next(HOST, ME) for _ in range(4)]
    assert claimed == [asked, old, young, None]


def test_a_claim_is_an_attempt_and_a_lease(site: Site) -> None:
    job = ArchiveJobFactory.create()
    claimed = claim_next(HOST, ME)
    assert claimed == job
    assert claimed is not None
    assert (claimed.status, claimed.worker_id) == (Status.PROCESSING, ME)
    assert claimed.lease_until is not None
    assert claimed.lease_until > timezone.now()
    attempt = ArchiveAttempt.objects.get(job=job)
    assert (attempt.number, attempt.outcome) == (claimed.attempt, Outcome.RUNNING)
    assert Event.objects.get(subject=job.subject).kind == "claimed"


def test_a_host_seals_so_many_at_once_and_no_more(site: Site) -> None:
    ArchiveJobFactory.create_batch(3)
    ArchiveJobFactory.create(host="elsewhere", status=Status.PROCESSING)
    assert claim_next(HOST, ME)
    assert claim_next(HOST, ME)
    assert claim_next(HOST, ME) is None


@pytest.mark.parametrize(
    "values",
    [
        {"held_at": later()},
        {"ignored_at": later()},
        {"not_before": later(days=1)},
        {"status": Status.FAILED},
        {"status": Status.ENCRYPTED},
        {"publishing": {"attempt": 1}},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_is_not_due_is_not_begun(site: Site, values: dict[str, Any]) -> None:
    ArchiveJobFactory.create(**values)
    assert claim_next(HOST, ME) is None


@pytest.mark.parametrize(
    "values",
    [
        {"state": "pending"},
        {"state": "started"},
        {"ignored_at": later()},
        {"root__status": RootStatus.MISSING},
    ],
    ids=["picked up", "started", "ignored", "away"],
)
def test_a_run_that_others_have_or_that_is_away_is_not_begun(
    site: Site, values: dict[str, Any]
) -> None:
    if "root__status" in values:
        values = {"root": RootFactory.create(status=values["root__status"])}
    ArchiveJobFactory.create(runfolder=RunfolderFactory.create(**values))
    assert claim_next(HOST, ME) is None


def test_a_person_need_not_wait_for_api_clients(site: Site) -> None:
    runfolder = RunfolderFactory.create(state="started")
    job = ArchiveJobFactory.create(runfolder=runfolder, is_manual=True)
    assert claim_next(HOST, ME) == job


def test_the_hold_of_a_run_holds_its_archive(site: Site) -> None:
    runfolder = RunfolderFactory.create()
    job = ArchiveJobFactory.create(runfolder=runfolder, is_manual=True)
    hold = Hold.objects.create(runfolder=runfolder, held_by="a", held_at=later())
    assert claim_next(HOST, ME) is None
    hold.released_at = later()
    hold.save()
    assert claim_next(HOST, ME) == job


def test_nothing_is_begun_where_sealing_is_off(site: Site) -> None:
    ArchiveJobFactory.create()
    site.configure(gpg_receivers=[])
    assert claim_next(HOST, ME) is None


def test_one_who_waits_for_a_job_gets_this_very_one_once(site: Site) -> None:
    site.configure(max_concurrent_jobs=1)
    ArchiveJobFactory.create(status=Status.PROCESSING)
    job = ArchiveJobFactory.create(not_before=later(minutes=5))
    assert claim_job(job.pk, HOST, ME) == job
    assert claim_job(job.pk, HOST, ME) is None


def test_a_shared_disk_lets_another_host_seal_the_run(site: Site) -> None:
    run = site.add_run()
    values = {"host": "elsewhere", "destination": str(site.destination)}
    job = ArchiveJobFactory.create(
        path=str(run), inode=run.stat().st_ino, run_keys="/elsewhere", **values
    )
    claimed = claim_next(HOST, ME)
    assert claimed == job
    assert claimed is not None
    assert claimed.host == HOST
    assert claimed.run_keys == str(site.data / "run_keys")


def test_another_directory_of_the_same_path_is_left_to_its_host(site: Site) -> None:
    run = site.add_run()
    values = {"host": "elsewhere", "destination": str(site.destination)}
    ArchiveJobFactory.create(path=str(run), inode=run.stat().st_ino + 1, **values)
    ArchiveJobFactory.create(path=f"{run}/gone", inode=1, **values)
    assert claim_next(HOST, ME) is None


def expire(job: ArchiveJob) -> None:
    ArchiveJob.objects.filter(pk=job.pk).update(lease_until=later(seconds=-1))


def test_a_lost_worker_counts_and_its_files_go(site: Site) -> None:
    job = site.add_job()
    claimed = claim_next(HOST, ME)
    assert claimed == job
    assert take_back_expired(HOST) == 0
    half = job.archive_path.with_name(f"{job.archive_path.name}.1.partial")
    half.touch()
    expire(job)
    assert take_back_expired(HOST) == 1
    job.refresh_from_db()
    assert (job.status, job.failure_count, job.worker_id) == (Status.PENDING, 1, "")
    attempt = ArchiveAttempt.objects.get(job=job)
    assert (attempt.outcome, attempt.code) == (Outcome.LOST, Code.WORKER_LOST)
    assert not half.exists()
    assert claim_next(HOST, "testhost:2:bb") == job, "at once"


def test_a_job_that_kills_its_worker_is_not_tried_for_ever(site: Site) -> None:
    job = site.add_job()
    for _ in range(3):
        assert claim_next(HOST, ME) == job
        expire(job)
        take_back_expired(HOST)
    job.refresh_from_db()
    assert (job.status, job.code) == (Status.FAILED, Code.WORKER_LOST)
    assert claim_next(HOST, ME) is None


def test_the_files_of_another_host_are_its_own_to_remove(site: Site) -> None:
    job = site.add_job()
    assert claim_next(HOST, ME)
    half = job.archive_path.with_name(f"{job.archive_path.name}.1.partial")
    half.touch()
    expire(job)
    assert take_back_expired("elsewhere") == 1
    assert half.exists()
    assert sweep("elsewhere") == 0
    assert sweep(HOST) == 1
    assert not half.exists()


def test_half_made_keys_and_manifests_go_wherever_their_job_went(site: Site) -> None:
    job = site.add_job()
    claimed = claim_next(HOST, ME)
    assert claimed is not None
    artifacts = artifacts_of(claimed, 1, current_policy().manifests_dir)
    for artifact in (artifacts.key, artifacts.manifest):
        artifact.partial.parent.mkdir(parents=True, exist_ok=True)
        artifact.partial.touch()
    ArchiveJob.objects.filter(pk=job.pk).update(host="elsewhere")
    assert sweep(HOST) == 0, "its attempt goes on"
    ArchiveJob.objects.filter(pk=job.pk).update(worker_id="")
    # On another host's own disk keys lie at the same path.
    other = ArchiveJobFactory.create(
        name=job.name, run_keys=job.run_keys, worker_id="elsewhere:1:a", attempt=1
    )
    assert sweep(HOST) == 1
    assert artifacts.key.partial.exists(), "it may be the other's"
    ArchiveJob.objects.filter(pk=other.pk).update(worker_id="")
    assert sweep(HOST) == 1
    assert not artifacts.key.partial.exists()


def test_sweeping_spares_what_is_being_made_and_what_is_not_ours(site: Site) -> None:
    job = site.add_job()
    claimed = claim_next(HOST, ME)
    assert claimed is not None
    name = job.archive_path.name
    spared = [f"{name}.1.partial", f"{name}.2.partial", "other.tar.gpg.1.partial"]
    spared += [f"{name}.partial", "x.1.partial"]
    for file in (*spared, f"{name}.0.partial"):
        (site.destination / file).touch()
    assert sweep(HOST) == 1
    assert sorted(path.name for path in site.destination.iterdir()) == sorted(spared)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [2, 16])
def test_of_eight_processes_no_two_claim_the_same_job_and_none_is_lost(
    site: Site, limit: int
) -> None:
    site.configure(max_concurrent_jobs=limit)
    created = ArchiveJobFactory.create_batch(JOBS)
    workers = [site.start_worker("claim") for _ in range(PROCESSES)]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    got = [worker.communicate(timeout=120)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    claimed = sorted(int(pk) for pks in got for pk in pks)
    assert claimed == sorted(job.pk for job in created)
    assert sum(bool(pks) for pks in got) > 1, "they did not run side by side"
    assert ArchiveAttempt.objects.count() == JOBS
