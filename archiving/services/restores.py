"""Restores: asked for, claimed, done, kept for a while."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.engine.manifest import ManifestDamaged
from archiving.engine.watch import Watch
from archiving.errors import (
    ArchiveNotFound,
    Code,
    ManifestNotHere,
    RestoreRefused,
    Trouble,
)
from archiving.models import NO_PROGRESS, ArchiveJob, Restore
from archiving.services.attention import RESTORE_FAILED
from archiving.services.doorbell import ring_for_work
from archiving.services.jobs import lock_soon
from archiving.services.manifests import open_manifest
from archiving.services.placing import Replaced, place
from archiving.services.policy import Policy, current_policy
from archiving.services.progress import Reporter
from archiving.services.restore_outcomes import (
    OVER,
    change,
    finish,
    forget,
    give_back,
    give_up,
    record,
)
from archiving.services.targets import (
    check_target,
    clean_names,
    members_of,
    resolve_target,
)
from seqhub.lib import queues
from seqhub.lib.lease import Keeper, LeaseLost, expired, expiry
from seqhub.lib.patience import TimedOut, within
from seqhub.lib.processes import Cancelled
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.attention import close_attention
from seqhub.operations.services.doorbell import ring
from seqhub.operations.services.events import Actor

log = logging.getLogger(__name__)

ANSWER_S = 10
OPEN = (RestoreState.REQUESTED, RestoreState.RUNNING)


def default_targets() -> list[str]:
    """Directories that a person may restore to, as configured."""
    return [str(root) for root in current_policy().restore_roots]


def request_restore(
    job_id: int,
    *,
    target: str,
    files: Sequence[str],
    actor: Actor,
    reason: str = "",
    anywhere: bool = False,
) -> Restore:
    """Have a run, or only `files` of it (names as in the manifest, a directory means
    all below), appear as `<target>/<run>`.

    `anywhere`, for a manager's shell: outside `restore_roots`, kept for ever, and
    chosen files may be put into a folder that is there. Raises RestoreRefused,
    ArchiveNotFound; IllegalTransition: there is no archive here, or the same is
    being restored.
    """
    policy = current_policy()
    real = resolve_target(target, policy, anywhere=anywhere)
    job = ArchiveJob.objects.filter(pk=job_id).first()
    if job is None:
        raise ArchiveNotFound("The archive is no longer known.")
    names = clean_names(job, files)
    if job.host == settings.CONFIG.host:
        _look_at_disk(job, real, names, may_fill=anywhere and bool(names))
    with transaction.atomic():
        job = lock_soon(job_id)
        if job.sealed_at is None or not job.is_here:
            raise IllegalTransition(f"There is no archive of {job.name} here.")
        if job.restores.filter(state__in=OPEN, target=str(real)).exists():
            raise IllegalTransition(f"{job.name} is being restored there already.")
        now = timezone.now()
        row = Restore.objects.create(
            job=job,
            host=job.host,
            target=str(real),
            files=names,
            state_since=now,
            requested_by=actor.name or actor.source,
            requested_at=now,
            reason=reason,
            is_anywhere=anywhere,
        )
        what = f"{len(names):,} of its files" if names else "All of it"
        words = f"{what} is to be restored to {row.target}. {reason}"
        record(row, "restore_requested", words, actor)
        ring_for_work(job.host)
    return row


@transaction.atomic
def claim_next_restore(host: str, worker_id: str) -> Restore | None:
    """The next one that is due on this host, claimed."""
    due = Q(not_before=None) | Q(not_before__lte=Now())
    return _claim(_claimable(host).filter(due), worker_id)


@transaction.atomic
def claim_restore(restore_id: int, host: str, worker_id: str) -> Restore | None:
    """This very one, for a person who waits for it; None if it can't be had here."""
    return _claim(_claimable(host).filter(pk=restore_id), worker_id)


def run_restore(
    row: Restore, *, key_file: Path | None = None, reporter: Watch | None = None
) -> Restore:
    """Do what a claimed row asks for; the row as it is then. `reporter` is told how
    far it is, too.

    Raises Cancelled when SeqHub is stopped (the claim is given back then), and
    database errors: then it is gone on with once the lease has expired.
    """
    policy = current_policy()
    try:
        with Keeper(row, policy.lease_s) as keeper:
            watch = Reporter(row, keeper, also=reporter)
            watch.expect(row.job.archive_bytes, None)
            return _run(row, policy, watch, key_file)
    except LeaseLost:
        log.warning("%s was taken back while it was being restored", row)
        row.refresh_from_db()
        return row


@transaction.atomic
def cancel_restore(restore_id: int, *, actor: Actor, reason: str = "") -> Restore:
    """Give it up; what is half restored is removed. One that runs ends within
    seconds. Raises IllegalTransition if it is over, ArchiveNotFound."""
    row = _lock(restore_id)
    if row.state not in OPEN:
        raise _refusal(row, "cancelled")
    if row.cancel_requested_at:
        raise IllegalTransition("The restore is being cancelled already.")
    if row.state == RestoreState.REQUESTED:
        change(row, RestoreState.CANCELLED)
        row.ended_at = timezone.now()
        _ring_to_tidy(row)
    else:
        row.cancel_requested_at = timezone.now()
    row.save()
    record(row, "restore_cancelled", f"The restore is given up. {reason}", actor)
    return row


@transaction.atomic
def retry_restore(restore_id: int, *, actor: Actor, reason: str = "") -> Restore:
    """Try again now what is over or waits. Raises IllegalTransition,
    ArchiveNotFound."""
    row = _lock(restore_id)
    if row.state not in (*OVER, RestoreState.REQUESTED):
        raise _refusal(row, "retried")
    if row.state == RestoreState.EXPIRED:
        row.made_path, row.made_identity, row.expires_at = None, "", None
    change(row, RestoreState.REQUESTED)
    forget(row)
    row.save()
    close_attention(row.subject, RESTORE_FAILED)
    record(row, "restore_retried", f"The restore is tried again. {reason}", actor)
    ring_for_work(row.host)
    return row


@transaction.atomic
def extend_restore(restore_id: int, *, actor: Actor, reason: str = "") -> Restore:
    """Keep the restored files for another `restore_keep_days`. Raises
    IllegalTransition, ArchiveNotFound."""
    row = _lock(restore_id)
    if row.state != RestoreState.AVAILABLE or row.expires_at is None:
        raise _refusal(row, "extended")
    keep = dt.timedelta(days=current_policy().restore_keep_days)
    row.expires_at = timezone.now() + keep
    row.save(update_fields=["expires_at"])
    words = f"What was restored stays until {row.expires_at:%Y-%m-%d}. {reason}"
    record(row, "restore_extended", words, actor)
    return row


@transaction.atomic
def expire_restore(restore_id: int, *, actor: Actor, reason: str = "") -> Restore:
    """Remove the restored files soon. Raises IllegalTransition, also for what a
    manager's shell has restored; ArchiveNotFound."""
    row = _lock(restore_id)
    if row.state != RestoreState.AVAILABLE or row.expires_at is None:
        raise _refusal(row, "removed")
    row.expires_at = timezone.now()
    row.save(update_fields=["expires_at"])
    words = f"What was restored is to be removed. {reason}"
    record(row, "restore_expiry_requested", words, actor)
    _ring_to_tidy(row)
    return row


def _look_at_disk(
    job: ArchiveJob, target: Path, names: Sequence[str], *, may_fill: bool
) -> None:
    """Raises RestoreRefused for what can be seen at once."""
    try:
        within(ANSWER_S, str(target), check_target, job, target, may_fill=may_fill)
    except TimedOut as error:
        raise RestoreRefused(f"{target} does not answer.") from error
    if not names:
        return
    try:
        with open_manifest(job) as file:
            members_of(job, names, file)
    except (ManifestNotHere, ManifestDamaged, OSError):
        return  # the worker may have another copy of it


def _run(row: Restore, policy: Policy, watch: Watch, key_file: Path | None) -> Restore:
    try:
        placed = place(row, policy, watch, key_file)
    except Trouble as trouble:
        return give_up(row, trouble)
    except Replaced:
        return give_back(row)
    except Cancelled:
        if not connection.in_atomic_block:
            connection.close()  # it may have been in the middle of an answer
        give_back(row)
        raise
    except (LeaseLost, DatabaseError, InterfaceError):
        raise
    except Exception as error:
        log.exception("%s met something unforeseen", row)
        words = f"nobody foresaw this: {error!r}"
        return give_up(row, Trouble(Code.SURPRISE, words, "See the log of SeqHub."))
    return finish(row, placed, policy)


def _claimable(host: str) -> QuerySet[Restore]:
    """Waiting, or left by a worker that is gone. While an archive is being replaced
    its files may be of both."""
    return Restore.objects.filter(
        Q(state=RestoreState.REQUESTED) | Q(expired(), state=RestoreState.RUNNING),
        host=host,
        job__publishing__isnull=True,
    ).order_by("requested_at", "pk")


def _claim(rows: QuerySet[Restore], worker_id: str) -> Restore | None:
    row = rows.select_for_update(of=("self",), skip_locked=True).first()
    if row is None:
        return None
    now = timezone.now()
    is_new = row.state == RestoreState.REQUESTED
    Restore.objects.filter(pk=row.pk).update(
        state=RestoreState.RUNNING,
        state_since=now if is_new else F("state_since"),
        worker_id=worker_id,
        lease_until=expiry(current_policy().lease_s),
        attempt=row.attempt + 1,
        started_at=now,
        **NO_PROGRESS,
    )
    row.refresh_from_db()
    return row


def _lock(restore_id: int) -> Restore:
    rows = Restore.objects.select_for_update(of=("self",)).select_related("job")
    row = rows.filter(pk=restore_id).first()
    if row is None:
        raise ArchiveNotFound("The restore is no longer known.")
    return row


def _refusal(row: Restore, what: str) -> IllegalTransition:
    state = row.get_state_display()
    return IllegalTransition(f"The restore is {state}; it can't be {what}.")


def _ring_to_tidy(row: Restore) -> None:
    """What is to be removed lies on the disk of its host."""
    ring("archiving.tasks.tend", row.host, queue=queues.local(row.host))
