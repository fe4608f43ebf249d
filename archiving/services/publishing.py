"""From verified files to the archive that counts, whatever happens on the way.

The worker writes down what it is about to publish (`ArchiveJob.publishing`), then
the files get their names, then the row says so. Whoever finds the note of a worker
that is gone goes on where it ended: each step may be done twice.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from archiving.choices import (
    CheckState,
    Depth,
    Origin,
    Outcome,
    Stage,
    Status,
    Verified,
)
from archiving.engine.gpg.recipients import Recipient
from archiving.engine.trouble import writing
from archiving.errors import Code, Trouble
from archiving.models import ArchiveAttempt, ArchiveJob, Verification
from archiving.services.attention import sync_attention
from archiving.services.filing import (
    Gone,
    Standing,
    describe,
    has_named_archive,
    name_files,
    take_back_files,
)
from archiving.services.history import record
from archiving.services.jobs import change_status, clear_trouble, lock_job
from archiving.services.keys import note_recipients
from archiving.services.naming import Artifacts
from archiving.services.outcomes import give_up
from seqhub.lib.files import fsync_directory, write_atomic
from seqhub.lib.lease import LeaseLost, expired, holds
from seqhub.lib.units import format_bytes
from seqhub.operations.services.events import SYSTEM

log = logging.getLogger(__name__)

_CHECKED = (
    "Decrypted from disk, each member is as it was read: type, size, digest, time.",
    "Names, types, sizes and times of the run's files are still as they were sealed.",
)
_NOT_CHECKED = ("The run's files were not read a second time.",)


@dataclass(frozen=True, slots=True)
class Publication:
    """What an attempt has made and verified."""

    archive_bytes: int
    archive_sha256: str
    wrapped_key: bytes
    manifest_sha256: str
    sealed_manifest_sha256: str
    source_bytes: int
    source_files: int
    left_out_bytes: int
    left_out_files: int
    seal_s: float
    verify_s: float
    log_tail: str


def prepare_publication(
    job: ArchiveJob,
    artifacts: Artifacts,
    made: Publication,
    keys: Sequence[Recipient],
    standing: Standing,
) -> dict[str, Any]:
    """What is to be noted down of the partial files, all of them fsynced; `standing`
    is what may be replaced. Raises Trouble."""
    for artifact in artifacts.all:
        with writing(artifact.partial):
            fsync_directory(artifact.partial.parent)
    digests = {
        artifacts.archive: made.archive_sha256,
        artifacts.sealed_manifest: made.sealed_manifest_sha256,
        artifacts.manifest: made.manifest_sha256,
        artifacts.key: hashlib.sha256(made.wrapped_key).hexdigest(),
    }
    values = asdict(made)
    values["wrapped_key"] = base64.b64encode(made.wrapped_key).decode()
    return {
        "attempt": job.attempt,
        "values": values,
        # In the order in which they get their names: the archive is the last.
        "files": [describe(file, digests[file], standing) for file in artifacts.all],
        "key_file": str(artifacts.key.final),
        "recipients": [key.fingerprint for key in keys],
    }


@transaction.atomic
def note_down(job: ArchiveJob, journal: dict[str, Any]) -> None:
    """The last look at the lease: from here on it will be published. May be done
    twice. Raises LeaseLost, before anything has a name, if the job is somebody
    else's by now."""
    rows = ArchiveJob.objects.select_for_update(of=("self",)).filter(holds(job))
    if (locked := rows.first()) is None:
        raise LeaseLost(f"{job} was taken back")
    locked.publishing = journal
    locked.stage = Stage.PUBLISHING
    locked.save(update_fields=["publishing", "stage"])


def finish(job_id: int) -> bool:
    """Publish what a worker noted down; False if there is nothing to publish, or it
    can't be done now (then it is tried again)."""
    with transaction.atomic():
        job = lock_job(job_id)
        if job.publishing is None:
            return False
        try:
            # A failed step must leave the row as it was.
            with transaction.atomic():
                name_files(job, job.publishing)
                _flip(job, job.publishing)
        except Gone as error:
            job.refresh_from_db()
            _withdraw(job, Outcome.LOST, _lost(error))
            return False
        except Trouble as trouble:
            job.refresh_from_db()
            if trouble.code == Code.DESTINATION_OCCUPIED:
                _withdraw(job, Outcome.FAILED, trouble)
            else:
                _postpone(job, trouble)
            return False
    return True


def withdraw_cancelled(job_id: int) -> bool:
    """Give up what nobody can publish, its host or its disk being gone for good, if a
    person has cancelled it; whether that was done."""
    with transaction.atomic():
        rows = ArchiveJob.objects.select_for_update(of=("self",)).filter(
            expired(), pk=job_id, cancel_requested_at__isnull=False
        )
        job = rows.first()
        if job is None or job.publishing is None:
            return False
        with suppress(Trouble):
            # There is no way back: the old archive is replaced.
            if job.sealed_at and has_named_archive(job.publishing):
                return False
        # Should the new archive have its name on a disk that nobody sees from here,
        # this is what opens it.
        record(
            job,
            "withdrawn",
            "What was to be published is given up: it was cancelled.",
            actor=SYSTEM,
            data={"wrapped_key": job.publishing["values"]["wrapped_key"]},
        )
        clear_trouble(job)
        _withdraw(job, Outcome.CANCELLED, _CANCELLED)
    return True


def _flip(job: ArchiveJob, journal: dict[str, Any]) -> None:
    """The row is locked, and is saved."""
    now = timezone.now()
    values = journal["values"]
    wrapped_key = base64.b64decode(values["wrapped_key"])
    change_status(job, Status.ENCRYPTED)
    clear_trouble(job)
    job.verification, job.verified_at = Verified.VERIFIED, now
    job.sealed_at, job.sealed_attempt = now, journal["attempt"]
    job.wrapped_key = wrapped_key
    job.key_sha256 = hashlib.sha256(wrapped_key).hexdigest()
    for name in _COLUMNS:
        setattr(job, name, values[name])
    job.manifest_host = job.host
    job.origin, job.is_here, job.has_weak_key = Origin.SEALED, True, False
    job.is_manual = False
    job.worker_id, job.lease_until, job.cancel_requested_at = "", None, None
    job.publishing = None
    job.stage, job.rate_bytes_s = "", None
    job.updated_at = now
    job.save()
    note_recipients(job, journal["recipients"])
    _end_attempt(job, journal["attempt"], values)
    sync_attention(job)
    record(
        job,
        "sealed",
        f"Sealed and read back: {values['source_files']:,} files, "
        f"{format_bytes(values['source_bytes'])}, in {job.archive_path}.",
        actor=SYSTEM,
        data={"attempt": job.sealed_attempt, "archive_bytes": job.archive_bytes},
    )


def _end_attempt(job: ArchiveJob, number: int, values: dict[str, Any]) -> None:
    attempt = ArchiveAttempt.objects.get(job=job, number=number)
    attempt.outcome, attempt.stage = Outcome.SEALED, ""
    attempt.ended_at = job.sealed_at
    attempt.bytes_done = values["source_bytes"]
    attempt.seal_s, attempt.verify_s = values["seal_s"], values["verify_s"]
    attempt.log_tail = values["log_tail"]
    attempt.save()
    Verification.objects.create(
        job=job,
        depth=Depth.SEAL,
        with_source=True,
        state=CheckState.OK,
        requested_at=attempt.started_at,
        started_at=attempt.started_at,
        ended_at=job.sealed_at,
        checked=list(_CHECKED),
        not_checked=list(_NOT_CHECKED),
        bytes_done=job.archive_bytes or 0,
        bytes_total=job.archive_bytes,
        files_done=job.source_files or 0,
        files_total=job.source_files,
    )


def _withdraw(job: ArchiveJob, outcome: Outcome, trouble: Trouble) -> None:
    """It will not be published; the archive that was there stays, with its key."""
    if job.publishing:
        take_back_files(job.publishing, named_too=job.sealed_at is None)
    if job.sealed_at and job.wrapped_key:
        # On another host its directory may not be; `keys --export` makes up for it.
        with suppress(OSError):
            write_atomic(job.key_path, bytes(job.wrapped_key))
    give_up(
        job,
        outcome,
        code=trouble.code,
        message=trouble.message,
        next_step=trouble.next_step,
    )


def _lost(error: Gone) -> Trouble:
    return Trouble(
        Code.DESTINATION_FAILED,
        f"what was about to be published is lost: {error}",
        "Look at the destination's disk; it is sealed anew by itself.",
    )


def _postpone(job: ArchiveJob, trouble: Trouble) -> None:
    log.warning("%s can't be published now: %s", job, trouble.message)
    job.code, job.message = trouble.code, f"it can't be published: {trouble.message}"
    job.next_step = trouble.next_step
    job.save(update_fields=["code", "message", "next_step"])
    # No worker is at it any more; the next tick tries again.
    ArchiveJob.objects.filter(pk=job.pk).update(lease_until=Now())
    sync_attention(job)


_CANCELLED = Trouble(Code.CANCELLED, "cancelled before its files had their names", "")
_COLUMNS = (
    "archive_bytes",
    "archive_sha256",
    "manifest_sha256",
    "sealed_manifest_sha256",
    "source_bytes",
    "source_files",
    "left_out_bytes",
    "left_out_files",
)
