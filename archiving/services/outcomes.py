"""How attempts end that made no archive."""

from __future__ import annotations

import datetime as dt
import logging

from django.utils import timezone

from archiving.choices import Outcome, Status
from archiving.errors import FOR_A_PERSON, Code
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services.attention import sync_attention
from archiving.services.history import record
from archiving.services.jobs import change_status, put_on_hold
from seqhub.lib.lease import expiry
from seqhub.lib.text import printable
from seqhub.lib.units import format_duration
from seqhub.operations.services.events import SYSTEM

log = logging.getLogger(__name__)

# After the first and the second failure; the third is the last.
PAUSES = (dt.timedelta(minutes=5), dt.timedelta(minutes=30))
# What is waited for is looked for again then.
WAIT = dt.timedelta(minutes=2)
_FAILURES = frozenset({Outcome.FAILED, Outcome.ERRORED, Outcome.LOST})


def give_up(
    job: ArchiveJob,
    outcome: Outcome,
    *,
    code: Code,
    message: str,
    next_step: str = "",
    traceback: str = "",
    log_tail: str = "",
) -> None:
    """End the running attempt; the row is locked, and is saved.

    A failure counts, and is tried again after a pause; the third one is the last,
    and the first one where a person must decide what becomes of an old archive.
    Who waits is tried again soon. Cancelled by a person (`cancel_requested_at`), the
    job is put on hold so that it does not begin again by itself; cancelled by a stop
    of SeqHub it is due at once. A sealed archive stays what it is.
    """
    was_waiting_for = job.code if not job.failure_count else ""
    _end_attempt(job, outcome, code, message, traceback, log_tail)
    next_status = Status.PENDING
    words = ""
    if outcome == Outcome.CANCELLED:
        next_status = _cancelled(job)
    else:
        job.code, job.message, job.next_step = code, message, next_step
        if outcome in _FAILURES:
            next_status, words = _failed(job, outcome)
        else:
            job.not_before = expiry(WAIT.total_seconds())
    change_status(job, next_status)
    job.worker_id, job.lease_until, job.cancel_requested_at = "", None, None
    job.publishing = None
    job.stage, job.rate_bytes_s = "", None
    job.updated_at = timezone.now()
    job.save()
    sync_attention(job)
    if outcome == Outcome.WAITING and was_waiting_for == code:
        return  # told already
    what = f"Attempt {job.attempt} {_VERBS[outcome]}: {message.rstrip('.')}. {words}"
    level = logging.INFO if outcome == Outcome.CANCELLED else logging.WARNING
    log.log(level, "%s: %s", printable(job.name), printable(what.strip()))
    record(job, outcome, what, actor=SYSTEM, data={"code": code})


def _cancelled(job: ArchiveJob) -> Status:
    job.not_before = None
    if job.cancel_requested_at is None:
        return Status.PENDING
    if job.sealed_at:
        return Status.ENCRYPTED
    put_on_hold(job, job.held_by, job.held_reason or "Cancelled.")
    return Status.PENDING


def _failed(job: ArchiveJob, outcome: Outcome) -> tuple[Status, str]:
    """The next status, and what happens next in words."""
    job.failure_count += 1
    job.not_before = None
    if job.sealed_at and job.code in FOR_A_PERSON:
        return Status.ENCRYPTED, "It is not tried again by itself."
    if job.failure_count > len(PAUSES):
        status = Status.ENCRYPTED if job.sealed_at else Status.FAILED
        return status, f"It is not tried again after {job.failure_count} failures."
    if outcome == Outcome.LOST:
        return Status.PENDING, "It is tried again."
    pause = PAUSES[job.failure_count - 1]
    # By the database's clock, which says when it is over, too.
    job.not_before = expiry(pause.total_seconds())
    after = format_duration(pause.total_seconds())
    return Status.PENDING, f"It is tried again in {after}."


def _end_attempt(
    job: ArchiveJob,
    outcome: Outcome,
    code: Code,
    message: str,
    traceback: str,
    log_tail: str,
) -> None:
    before = job.attempts.filter(number__lt=job.attempt).first()
    if (
        before
        and outcome == Outcome.WAITING
        and (before.outcome, before.code) == (outcome, code)
    ):
        # Days of waiting would be hundreds of rows that say the same.
        before.delete()
    ArchiveAttempt.objects.filter(job=job, number=job.attempt).update(
        outcome=outcome,
        stage=job.stage,
        code=code,
        message=message,
        traceback=traceback,
        log_tail=log_tail,
        ended_at=timezone.now(),
        bytes_done=job.bytes_done,
    )


_VERBS = {
    Outcome.WAITING: "waits",
    Outcome.FAILED: "failed",
    Outcome.ERRORED: "met something that nobody foresaw",
    Outcome.CANCELLED: "was cancelled",
    Outcome.LOST: "was lost",
}
