"""Who seals what: claims by row lock and lease, and taking them back."""

from __future__ import annotations

import os

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from archiving.choices import CheckState, Outcome, Status
from archiving.errors import Code
from archiving.models import NO_PROGRESS, ArchiveAttempt, ArchiveJob, Verification
from archiving.services import locks
from archiving.services.history import record
from archiving.services.naming import artifacts_of
from archiving.services.outcomes import give_up
from archiving.services.policy import Policy, current_policy
from archiving.services.publishing import finish, withdraw_cancelled
from archiving.services.sweeping import remove
from runfolders.choices import RootStatus, State
from runfolders.models import Runfolder
from runfolders.selectors import open_holds
from seqhub.lib.lease import expired, expiry
from seqhub.lib.patience import TimedOut, within
from seqhub.operations.services.events import SYSTEM, Actor

STAT_S = 5
# Of other hosts' jobs, so many are looked for on our disks at a time.
_FOREIGN = 20


def claim_next(host: str, worker_id: str) -> ArchiveJob | None:
    """The next job that may be sealed here, claimed; None if nothing is due or
    `max_concurrent_jobs` are being sealed."""
    policy = current_policy()
    if not policy.is_on:
        return None
    with transaction.atomic():
        if not has_room(host):
            return None
        rows = due_jobs().filter(host=host)
        if job := _first(rows):
            return _claim(job, host, worker_id, policy)
    return _claim_foreign(host, worker_id, policy)


def claim_job(
    job_id: int, host: str, worker_id: str, *, actor: Actor = SYSTEM
) -> ArchiveJob | None:
    """This very job, for a person who waits for it: neither the number of jobs nor
    a pause after a failure is in the way, but a hold is. None if it can't be had."""
    policy = current_policy()
    rows = ArchiveJob.objects.filter(
        pk=job_id,
        status=Status.PENDING,
        publishing__isnull=True,
        held_at=None,
        ignored_at=None,
    )
    with transaction.atomic():
        job = _first(rows)
        if job is None or (job.host != host and not _is_seen_here(job, policy)):
            return None
        return _claim(job, host, worker_id, policy, actor=actor)


def take_back_expired(host: str) -> int:
    """Free the jobs whose workers have been silent for too long; answers how many.

    What such a worker was about to publish is published, or given up if a person
    has cancelled it and it can't be done here. What it left half-made is removed if
    the disk is this host's.
    """
    policy = current_policy()
    rows = ArchiveJob.objects.filter(expired(), status=Status.PROCESSING)
    taken = 0
    for pk in list(rows.values_list("pk", flat=True)):
        taken += _take_back(pk, host, policy)
    return taken


def scheduled_verifications(host: str) -> QuerySet[Verification]:
    """Those that go on now and that no person asked for."""
    return Verification.objects.filter(
        ~expired(), job__host=host, requested_by="", state=CheckState.RUNNING
    )


def has_room(host: str) -> bool:
    """Whether this host may begin another seal or verification of the schedule.

    The long queue has one worker more than these: somebody may wait for a restore.
    Holds a lock until the transaction ends, so that no other worker finds the same.
    """
    locks.wait_for(locks.CLAIM, host)
    sealing = ArchiveJob.objects.filter(host=host, status=Status.PROCESSING)
    busy = sealing.count() + scheduled_verifications(host).count()
    return busy < current_policy().max_concurrent_jobs


def due_jobs() -> QuerySet[ArchiveJob]:
    """What may be begun now, of any host; what people asked for comes first."""
    runfolder = Runfolder.objects.filter(pk=OuterRef("runfolder"))
    taken = runfolder.filter(state__in=(State.PENDING, State.STARTED))
    away = runfolder.filter(
        Q(ignored_at__isnull=False) | Q(root__status=RootStatus.MISSING)
    )
    held = open_holds().filter(runfolder=OuterRef("runfolder"))
    return ArchiveJob.objects.filter(
        Q(not_before=None) | Q(not_before__lte=Now()),
        Q(is_manual=True) | ~Exists(taken),
        ~Exists(away),
        ~Exists(held),
        status=Status.PENDING,
        publishing__isnull=True,
        held_at=None,
        ignored_at=None,
    ).order_by("-is_manual", "created_at", "pk")


def _first(rows: QuerySet[ArchiveJob]) -> ArchiveJob | None:
    return rows.select_for_update(of=("self",), skip_locked=True).first()


def _claim(
    job: ArchiveJob,
    host: str,
    worker_id: str,
    policy: Policy,
    *,
    actor: Actor = SYSTEM,
) -> ArchiveJob:
    """The row is locked and pending."""
    if job.host != host:
        record(job, "adopted", f"{host} takes it over from {job.host}.", actor=actor)
        job.host, job.run_keys = host, str(policy.run_keys)
    now = timezone.now()
    ArchiveJob.objects.filter(pk=job.pk).update(
        host=job.host,
        run_keys=job.run_keys,
        status=Status.PROCESSING,
        status_since=now,
        updated_at=now,
        worker_id=worker_id,
        lease_until=expiry(policy.lease_s),
        attempt=job.attempt + 1,
        cancel_requested_at=None,
        **NO_PROGRESS,
    )
    # A job that waits is tried every few minutes, which is no news.
    if job.failure_count or not job.code:
        words = f"Attempt {job.attempt + 1} begins on {host}."
        record(job, "claimed", words, actor=actor)
    job.refresh_from_db()
    ArchiveAttempt.objects.create(
        job=job,
        number=job.attempt,
        worker_id=worker_id,
        host=host,
        started_at=now,
    )
    return job


def _claim_foreign(host: str, worker_id: str, policy: Policy) -> ArchiveJob | None:
    """A job of another host whose run and destination this host sees, too."""
    rows = due_jobs().filter(
        destination=str(policy.destination), sealed_at=None, inode__isnull=False
    )
    for seen in rows.exclude(host=host)[:_FOREIGN]:
        if not _is_seen_here(seen, policy):
            continue
        with transaction.atomic():
            if not has_room(host):
                return None
            if job := _first(due_jobs().filter(pk=seen.pk)):
                return _claim(job, host, worker_id, policy)
    return None


def _is_seen_here(job: ArchiveJob, policy: Policy) -> bool:
    """Whether the path leads to the same directory here."""
    if job.inode is None or job.destination != str(policy.destination):
        return False
    try:
        status = within(STAT_S, str(job.location.parent), os.stat, job.location)
    except (OSError, TimedOut):
        return False
    return status.st_ino == job.inode


def _take_back(job_id: int, host: str, policy: Policy) -> bool:
    rows = ArchiveJob.objects.filter(expired(), pk=job_id, status=Status.PROCESSING)
    with transaction.atomic():
        job = _first(rows)
        if job is None:
            return False
        if job.publishing is None:
            words = f"The worker {job.worker_id} fell silent."
            give_up(
                job,
                Outcome.LOST,
                code=Code.WORKER_LOST,
                message=words,
                next_step="If it keeps happening, look at this host's memory and log.",
            )
    if job.publishing is not None:
        # Its files lie on the disks of its host.
        if job.host == host and finish(job_id):
            return True
        return withdraw_cancelled(job_id)
    if job.host == host:
        remove(artifacts_of(job, job.attempt, policy.manifests_dir))
    return True
