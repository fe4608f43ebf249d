"""What people do to an archive's job: each change with its event."""

from __future__ import annotations

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from archiving.choices import TRANSITIONS, Status
from archiving.errors import ArchiveNotFound
from archiving.models import ArchiveJob
from archiving.services.attention import sync_attention
from archiving.services.doorbell import ring_for_work
from archiving.services.history import record
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.events import Actor

LOCK_S = 3


def lock_job(job_id: int) -> ArchiveJob:
    """The row, locked until the transaction ends. Raises ArchiveNotFound."""
    try:
        return ArchiveJob.objects.select_for_update(of=("self",)).get(pk=job_id)
    except ArchiveJob.DoesNotExist:
        raise ArchiveNotFound("The archive is no longer known.") from None


def lock_soon(job_id: int) -> ArchiveJob:
    """As lock_job, for a person who waits: a slow disk may hold a row for minutes
    while its archive is published. Raises IllegalTransition, ArchiveNotFound."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_S}s'")
    try:
        job = lock_job(job_id)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise IllegalTransition(
            "The archive is being published just now. Try again in a minute."
        ) from error
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
    return job


def change_status(job: ArchiveJob, status: Status) -> None:
    """The one place where `status` changes; the row must be locked, and is not
    saved. Raises IllegalTransition."""
    if status not in TRANSITIONS[job.status]:
        raise IllegalTransition(f"{job.name} is {job.status}; it can't be {status}.")
    job.status = status
    job.status_since = timezone.now()


def clear_trouble(job: ArchiveJob) -> None:
    """Forget what was wrong; the row is not saved."""
    job.failure_count = 0
    job.code = job.message = job.next_step = ""
    job.not_before = None


def save(job: ArchiveJob) -> None:
    """Save a locked row but for what its worker writes meanwhile, and bring what
    people should look at up to date."""
    job.updated_at = timezone.now()
    job.save(update_fields=_PERSONS_FIELDS)
    sync_attention(job)


@transaction.atomic
def retry(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Try again now, failures forgotten. Raises IllegalTransition, ArchiveNotFound."""
    job = lock_soon(job_id)
    if job.status == Status.FAILED:
        change_status(job, Status.PENDING)
    elif job.status != Status.PENDING:
        raise IllegalTransition(
            f"{job.name} is {job.status}; there is nothing to retry."
        )
    if job.held_at:
        raise IllegalTransition(f"{job.name} is on hold; release it first.")
    clear_trouble(job)
    job.is_manual = True
    save(job)
    record(job, "retried", f"To be tried again. {reason}", actor=actor)
    ring_for_work(job.host)
    return job


@transaction.atomic
def hold(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Don't begin it by itself; what runs goes on. Raises IllegalTransition: it is
    on hold or sealed already; ArchiveNotFound."""
    job = lock_soon(job_id)
    if job.status == Status.ENCRYPTED:
        raise IllegalTransition(f"{job.name} is sealed; there is nothing to hold.")
    if job.held_at:
        raise IllegalTransition(f"{job.name} is on hold already.")
    put_on_hold(job, actor.name, reason)
    save(job)
    record(job, "held", f"Put on hold. {reason}", actor=actor)
    return job


def put_on_hold(job: ArchiveJob, by: str, reason: str) -> None:
    """The row is not saved."""
    job.held_at = timezone.now()
    job.held_by = by
    job.held_reason = reason


@transaction.atomic
def release(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Raises IllegalTransition if nothing holds it, ArchiveNotFound."""
    job = lock_soon(job_id)
    if not job.held_at:
        raise IllegalTransition(f"{job.name} is not on hold.")
    job.held_at = None
    job.held_by = job.held_reason = ""
    save(job)
    record(job, "released", f"Released from hold. {reason}", actor=actor)
    ring_for_work(job.host)
    return job


@transaction.atomic
def cancel(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Ask the worker to give up; it does within seconds, and the job is on hold then.

    Raises IllegalTransition if nothing runs or that was asked for, ArchiveNotFound.
    """
    job = lock_soon(job_id)
    if job.status != Status.PROCESSING:
        raise IllegalTransition(
            f"{job.name} is {job.status}; only what runs can be cancelled."
        )
    if job.cancel_requested_at:
        raise IllegalTransition(f"{job.name} is being cancelled already.")
    job.cancel_requested_at = timezone.now()
    # Its worker leaves both as they are.
    job.held_by, job.held_reason = actor.name, reason
    save(job)
    record(job, "cancel_requested", f"To be cancelled. {reason}", actor=actor)
    return job


@transaction.atomic
def reseal(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Make the archive anew; the old one stays until the new one is verified.

    Raises IllegalTransition, ArchiveNotFound.
    """
    job = lock_soon(job_id)
    if job.status != Status.ENCRYPTED:
        raise IllegalTransition(
            f"{job.name} is {job.status}; only what is encrypted can be sealed anew."
        )
    change_status(job, Status.PENDING)
    clear_trouble(job)
    job.is_manual = True
    save(job)
    record(job, "reseal_requested", f"To be sealed anew. {reason}", actor=actor)
    ring_for_work(job.host)
    return job


@transaction.atomic
def ignore(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Out of lists, and not sealed. Raises IllegalTransition, ArchiveNotFound."""
    job = lock_soon(job_id)
    if job.ignored_at:
        raise IllegalTransition(f"{job.name} is ignored already.")
    if job.status == Status.PROCESSING:
        raise IllegalTransition(f"{job.name} is being sealed; cancel it first.")
    job.ignored_at = timezone.now()
    save(job)
    record(job, "ignored", f"Ignored from now on. {reason}", actor=actor)
    return job


@transaction.atomic
def unignore(job_id: int, *, actor: Actor, reason: str = "") -> ArchiveJob:
    """Raises IllegalTransition if it is not ignored, ArchiveNotFound."""
    job = lock_soon(job_id)
    if not job.ignored_at:
        raise IllegalTransition(f"{job.name} is not ignored.")
    job.ignored_at = None
    save(job)
    record(job, "unignored", f"No longer ignored. {reason}", actor=actor)
    ring_for_work(job.host)
    return job


_PERSONS_FIELDS = (
    "status",
    "status_since",
    "is_manual",
    "held_at",
    "held_by",
    "held_reason",
    "cancel_requested_at",
    "ignored_at",
    "failure_count",
    "code",
    "message",
    "next_step",
    "not_before",
    "updated_at",
)
