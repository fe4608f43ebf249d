"""Verifications: asked for, claimed, done, and what they say of the archive.

An archive is damaged when anything that was sealed (archive, key file, manifests)
is not as it was. Differences of the run folder, and an old archive's weak key, are
findings that say nothing against the archive: the verification is OK, its message
tells of them.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from archiving.choices import CheckState, Depth, Status, Verified
from archiving.engine.watch import Watch
from archiving.errors import ArchiveNotFound, Code, Trouble
from archiving.models import NO_PROGRESS, ArchiveJob, Verification
from archiving.services.attention import sync_attention
from archiving.services.claiming import has_room, scheduled_verifications
from archiving.services.doorbell import ring_for_work
from archiving.services.examination import Examination, is_digest_proven
from archiving.services.examining import examine
from archiving.services.history import record
from archiving.services.jobs import lock_job, lock_soon
from archiving.services.keys import key_digest
from archiving.services.policy import Policy, current_policy
from archiving.services.progress import Reporter
from archiving.services.sampling import examine_sample
from runfolders.engine.files import storable
from seqhub.lib.lease import Keeper, LeaseLost, expired, expiry, holds
from seqhub.lib.processes import Cancelled
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.attention import close_attention, open_attention
from seqhub.operations.services.events import SYSTEM, Actor

log = logging.getLogger(__name__)

NOT_VERIFIED = "verification_failed"
WEAK_KEY = "weak_key"
OPEN = (CheckState.REQUESTED, CheckState.RUNNING)


@transaction.atomic
def request_verification(
    job_id: int,
    *,
    actor: Actor,
    depth: str = Depth.FULL,
    with_source: bool = False,
    is_deep: bool = False,
) -> Verification:
    """Have an archive read soon. One that waits already becomes what is asked for.

    Raises ArchiveNotFound; IllegalTransition: there is no archive here, or it is
    being read.
    """
    job = lock_soon(job_id)
    if job.sealed_at is None or not job.is_here:
        raise IllegalTransition(f"There is no archive of {job.name} here to verify.")
    row = job.verifications.select_for_update().filter(state__in=OPEN).first()
    if row is None:
        row = Verification(job=job)
    elif row.state == CheckState.RUNNING:
        raise IllegalTransition(f"{job.name} is being verified already.")
    row.depth = depth
    row.with_source, row.is_deep = with_source or is_deep, is_deep
    # "" is for the schedule, which waits for everybody else.
    row.requested_by = actor.name or actor.source
    row.requested_at = timezone.now()
    row.save()
    record(job, "verification_requested", "To be verified.", actor=actor)
    ring_for_work(job.host)
    return row


@transaction.atomic
def cancel_verification(
    verification_id: int, *, actor: Actor, reason: str = ""
) -> Verification:
    """Give it up; one that runs ends within seconds.

    Raises IllegalTransition if it is over, ArchiveNotFound.
    """
    rows = Verification.objects.select_for_update(of=("self",)).select_related("job")
    row = rows.filter(pk=verification_id).first()
    if row is None:
        raise ArchiveNotFound("The verification is no longer known.")
    if row.state not in OPEN:
        raise IllegalTransition(f"The verification is over: {row.get_state_display()}.")
    if row.state == CheckState.REQUESTED:
        row.state = CheckState.CANCELLED
        row.ended_at = timezone.now()
        row.message = f"Cancelled. {reason}".strip()
    row.cancel_requested_at = timezone.now()
    row.save(update_fields=["state", "ended_at", "message", "cancel_requested_at"])
    words = f"The verification is to end. {reason}"
    record(row.job, "verification_cancelled", words, actor=actor)
    return row


@transaction.atomic
def claim_next_verification(
    host: str, worker_id: str, *, scheduled: bool
) -> Verification | None:
    """The next one that is due on this host, claimed: those of the schedule, of
    which one at a time is done, or those that people asked for."""
    rows = _claimable().filter(job__host=host)
    if not scheduled:
        return _claim(rows.exclude(requested_by=""), worker_id)
    if not has_room(host) or scheduled_verifications(host).exists():
        return None
    return _claim(rows.filter(requested_by=""), worker_id)


@transaction.atomic
def claim_verification(
    verification_id: int, host: str, worker_id: str
) -> Verification | None:
    """This very one, for a person who waits for it; None if it can't be had here."""
    rows = _claimable().filter(pk=verification_id, job__host=host)
    return _claim(rows, worker_id)


def run_verification(
    row: Verification, *, key_file: Path | None = None, reporter: Watch | None = None
) -> Verification:
    """Look at the archive of a claimed row, and keep what is found; the row as it is
    then. `reporter` is told how far it is, too.

    Raises Cancelled when SeqHub is stopped (the claim is given back then), and
    database errors: then it is done again once the lease has expired.
    """
    policy = current_policy()
    try:
        with Keeper(row, policy.lease_s) as keeper:
            watch = Reporter(row, keeper, also=reporter)
            watch.expect(row.job.archive_bytes, row.job.source_files)
            return _run(row, policy, watch, key_file)
    except LeaseLost:
        log.warning("%s was taken back while it went on", row)
        row.refresh_from_db()
        return row


def _run(
    row: Verification, policy: Policy, watch: Watch, key_file: Path | None
) -> Verification:
    try:
        if row.depth == Depth.DRILL:
            found = examine_sample(row, policy, watch)
        else:
            found = examine(row, policy, watch, key_file)
    except Trouble as trouble:
        return _fail(row, trouble)
    except Cancelled:
        if not connection.in_atomic_block:
            connection.close()  # it may have been in the middle of an answer
        _give_back(row)
        raise
    except (LeaseLost, DatabaseError, InterfaceError):
        raise
    except Exception as error:
        log.exception("The verification of %s met something unforeseen", row.job)
        words = f"nobody foresaw this: {error!r}"
        return _fail(row, Trouble(Code.SURPRISE, words, "See the log of SeqHub."))
    return _finish(row, found)


def _claimable() -> QuerySet[Verification]:
    """Waiting, or left by a worker that is gone; of archives that nobody replaces
    now. One that is to be sealed anew may wait for that for ever."""
    rows = Verification.objects.filter(
        Q(state=CheckState.REQUESTED) | Q(expired(), state=CheckState.RUNNING),
        job__sealed_at__isnull=False,
        job__publishing__isnull=True,
    )
    return rows.exclude(job__status=Status.PROCESSING).order_by("requested_at", "pk")


def _claim(rows: QuerySet[Verification], worker_id: str) -> Verification | None:
    row = rows.select_for_update(of=("self",), skip_locked=True).first()
    if row is None:
        return None
    Verification.objects.filter(pk=row.pk).update(
        state=CheckState.RUNNING,
        worker_id=worker_id,
        lease_until=expiry(current_policy().lease_s),
        attempt=row.attempt + 1,
        started_at=timezone.now(),
        **NO_PROGRESS,
    )
    row.refresh_from_db()
    return row


def _lock(row: Verification) -> tuple[ArchiveJob, Verification]:
    """Both rows, locked; raises LeaseLost if another attempt has it by now."""
    job = lock_job(row.job_id)
    rows = Verification.objects.select_for_update(of=("self",)).filter(holds(row))
    if (locked := rows.filter(state=CheckState.RUNNING).first()) is None:
        raise LeaseLost(f"{row} was taken back")
    return job, locked


@transaction.atomic
def _finish(row: Verification, found: Examination) -> Verification:
    job, locked = _lock(row)
    seen = row.job
    replaced = (job.sealed_attempt, job.sealed_at) != (
        seen.sealed_attempt,
        seen.sealed_at,
    )
    if replaced or job.status == Status.PROCESSING or job.publishing is not None:
        # What was read may be half of the old and half of the new.
        _free(locked, CheckState.REQUESTED)
        return locked
    is_damaged = found.damage is not None
    locked.depth = found.depth
    locked.findings = [asdict(finding) for finding in found.findings.kept]
    locked.findings_count = found.findings.count
    locked.checked, locked.not_checked = found.checked, found.not_checked
    locked.message = _message(found)
    _free(locked, CheckState.DAMAGED if is_damaged else CheckState.OK)
    _keep(job, found)
    _tell(job, locked, found)
    return locked


def _message(found: Examination) -> str:
    count = found.findings.count
    if not count:
        return ""
    first = found.damage or found.findings.kept[0]
    others = f", and {count - 1:,} more" if count > 1 else ""
    return f"{first.message[0].upper()}{first.message[1:]}{others}."


def _keep(job: ArchiveJob, found: Examination) -> None:
    """What the look says of the archive; both rows are locked."""
    now = timezone.now()
    is_opened = found.depth == Depth.FULL
    is_whole = is_opened or found.depth == Depth.BYTES
    is_proven = is_digest_proven(job)
    if found.damage is not None:
        job.verification = Verified.DAMAGED
        if is_opened and not is_proven:
            # It was damaged at the first look already, or another one lay there.
            job.archive_bytes, job.archive_sha256 = None, ""
    elif is_whole and found.is_compared and (is_opened or is_proven):
        job.verification, job.verified_at = Verified.VERIFIED, now
    if found.damage is None and is_whole:
        # An old archive, of which nothing was known: this was the first good look.
        if not job.archive_sha256 and job.verification != Verified.DAMAGED:
            job.archive_bytes = found.archive_bytes
            job.archive_sha256 = found.archive_sha256
        if not job.key_sha256 and found.wrapped_key is not None:
            job.wrapped_key = found.wrapped_key
            job.key_sha256 = key_digest(found.wrapped_key)
    if found.is_weak is not None:
        job.has_weak_key = found.is_weak
    job.updated_at = now
    job.save(update_fields=_KEPT)


def _tell(job: ArchiveJob, row: Verification, found: Examination) -> None:
    close_attention(job.subject, NOT_VERIFIED)
    sync_attention(job)
    if found.is_weak:
        open_attention(
            job.subject,
            WEAK_KEY,
            f"The archive of {job.name} has a weak key.",
            next_step="Seal the run anew while it is still there, and let nobody have "
            "the old archive.",
            runfolder=job.run,
        )
    elif found.is_weak is not None:
        close_attention(job.subject, WEAK_KEY)
    kind = "found_damaged" if found.damage else "verified"
    what = "is not as it was sealed" if found.damage else "is as it was sealed"
    if not found.damage and found.depth == Depth.BYTES and not is_digest_proven(job):
        what = "can be read; that it opens nobody has seen"
    words = f"{_LOOKS[found.depth]} {what}. {row.message}"
    data = {"verification": row.pk, "depth": found.depth}
    record(job, kind, words, actor=SYSTEM, data=data)


@transaction.atomic
def _fail(row: Verification, trouble: Trouble) -> Verification:
    """It could not be looked at, or a person has cancelled it."""
    job, locked = _lock(row)
    # It may tell of files, whose names are not always text.
    words = storable(trouble.message.rstrip("."))
    locked.message = f"{words}. {trouble.next_step}".strip()
    if trouble.code == Code.CANCELLED or locked.cancel_requested_at:
        _free(locked, CheckState.CANCELLED)
        return locked
    _free(locked, CheckState.FAILED)
    if locked.depth != Depth.DRILL:
        open_attention(
            job.subject,
            NOT_VERIFIED,
            f"{job.name} could not be verified: {words}.",
            next_step=trouble.next_step,
            runfolder=job.run,
        )
    data = {"verification": row.pk, "code": trouble.code}
    told = f"{job.name} could not be verified: {locked.message}"
    record(job, "not_verified", told, actor=SYSTEM, data=data)
    return locked


@transaction.atomic
def _give_back(row: Verification) -> None:
    _, locked = _lock(row)
    _free(locked, CheckState.REQUESTED)


def _free(locked: Verification, state: CheckState) -> None:
    """End this attempt at it; the row is saved."""
    locked.state = state
    locked.worker_id, locked.lease_until = "", None
    locked.stage, locked.rate_bytes_s = "", None
    if state not in OPEN:
        locked.ended_at = timezone.now()
    locked.save()


_KEPT = (
    "verification",
    "verified_at",
    "archive_bytes",
    "archive_sha256",
    "wrapped_key",
    "key_sha256",
    "has_weak_key",
    "updated_at",
)
_LOOKS = {
    Depth.FULL: "Read and compared file by file, the archive",
    Depth.BYTES: "Read byte by byte, the archive",
    Depth.DRILL: "In a restore drill, a file of the archive",
}
