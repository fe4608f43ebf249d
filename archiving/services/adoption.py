"""Taking over the runs and the archives of dataflow_archive.

Its archives have no manifest, and nothing is known of their bytes: the first good
look at one records size and digest. Where the secret key is at hand that look
opens the archive and finds weak keys.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.db import transaction

from archiving.choices import CopyState, Origin, Status
from archiving.engine.members import shown
from archiving.errors import ArchiveNotFound, Trouble
from archiving.models import ArchiveCopy, ArchiveJob
from archiving.services.attention import sync_attention
from archiving.services.history import record
from archiving.services.jobs import change_status
from archiving.services.keys import (
    fingerprints_of,
    key_digest,
    note_recipients,
    read_wrapped,
)
from runfolders.models import Runfolder
from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor

# Where dataflow_archive sends archives: a store of that name (`pdc_archived`).
PLACE = "PDC"


class OldStatus(StrEnum):
    """Of a document of dataflow_archive in CouchDB."""

    PENDING = "pending"
    PROCESSING = "processing"
    ENCRYPTED = "encrypted"
    FAILED = "failed"
    ARCHIVING = "archiving"
    ARCHIVED = "archived"
    ARCHIVING_FAILED = "archiving_failed"


_WITHOUT_ARCHIVE = frozenset(
    {OldStatus.PENDING, OldStatus.PROCESSING, OldStatus.FAILED}
)


@dataclass(frozen=True, slots=True)
class OldRun:
    """What the old service knew of a run. Times are aware.

    `pdc_archived` is when it was sent away; None if it was not, or nobody knows.
    """

    run_name: str
    path: str
    status: OldStatus
    created_at: dt.datetime
    updated_at: dt.datetime
    destination: Path
    run_keys: Path
    sequencer: str = ""  # empty: the directory above the run
    failure_count: int = 0
    pdc_archived: dt.datetime | None = None


class Outcome(StrEnum):
    NEW = "new"
    FILLED = "filled"  # a job that was waiting has its archive already
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Adoption:
    outcome: Outcome
    job: ArchiveJob  # not saved in a dry run


@transaction.atomic
def adopt(
    old: OldRun, *, host: str, home: Path | None, actor: Actor, dry_run: bool = False
) -> Adoption:
    """Make the run a job of `host`, or bring its job up to date; a repeat changes
    nothing.

    `home` is a gpg home of our own, to find out who can open the key; None: nobody
    is noted. Raises InvalidValue: the names can't be those of a run, or another run
    has the archive's name; ArchiveNotFound: the archive that there should be is not
    at its destination, and was not sent elsewhere.
    """
    _check_names(old)
    path = shown(os.fsencode(old.path))
    job = (
        ArchiveJob.objects.select_for_update(of=("self",))
        .filter(host=host, path=path)
        .first()
    )
    outcome = Outcome.FILLED
    if job is None:
        _check_name_is_free(old)
        job, outcome = _new_job(old, host, path), Outcome.NEW
    elif not _has_news(job, old):
        outcome = Outcome.UNCHANGED
    if outcome != Outcome.UNCHANGED:
        _check_is_kept(job, old)
    if dry_run:
        return Adoption(outcome, job)
    if outcome != Outcome.UNCHANGED:
        _fill(job, old, home)
        words = f"Taken over from dataflow_archive, where it was {old.status}."
        data = {"status": old.status, "failure_count": old.failure_count}
        record(job, "taken_over", words, actor=actor, data=data)
        sync_attention(job)
    _note_copy(job, old)
    return Adoption(outcome, job)


def _check_names(old: OldRun) -> None:
    name = old.run_name
    if name in ("", ".", "..") or "/" in name or "\0" in name or name[0] == ".":
        raise InvalidValue(f"{name!r} can't be the name of a run.")
    is_normal = os.path.normpath(old.path) == old.path and "\0" not in old.path
    if not old.path.startswith("/") or not is_normal:
        raise InvalidValue(f"{name}: {old.path!r} is no absolute path.")
    if not old.destination.is_absolute() or not old.run_keys.is_absolute():
        raise InvalidValue(f"{name}: destination and run keys must be absolute paths.")


def _check_name_is_free(old: OldRun) -> None:
    name = shown(os.fsencode(old.run_name))
    others = ArchiveJob.objects.filter(destination=str(old.destination), name=name)
    if (other := others.first()) is not None:
        raise InvalidValue(
            f"{name} at {old.path}: {old.destination}/{name}.tar.gpg belongs to the "
            f"run at {other.path}, of the same name."
        )


def has_archive(status: OldStatus) -> bool:
    """Whether the old service says that it has made one."""
    return status not in _WITHOUT_ARCHIVE


def _check_is_kept(job: ArchiveJob, old: OldRun) -> None:
    """A job that is sealed says so for good: not without a file that we can see."""
    if not has_archive(old.status) or _was_sent(old) or _has_file(job):
        return
    raise ArchiveNotFound(
        f"{job.name} is not taken over: it is {old.status} to dataflow_archive, but "
        f"{job.archive_path} can't be found. Mount its disk and import again. If the "
        "archive is lost, have the run sealed."
    )


def _was_sent(old: OldRun) -> bool:
    return old.status == OldStatus.ARCHIVED or old.pdc_archived is not None


def _has_file(job: ArchiveJob) -> bool:
    try:
        return job.archive_path.is_file()
    except OSError:
        return False


def _new_job(old: OldRun, host: str, path: str) -> ArchiveJob:
    """Not saved."""
    name = shown(os.fsencode(old.run_name))
    runfolder = Runfolder.objects.filter(host=host, path=path, is_present=True).first()
    raw = os.fsencode(old.path)
    return ArchiveJob(
        runfolder=runfolder,
        host=host,
        run_name=name,
        sequencer=old.sequencer or Path(old.path).parent.name,
        path=path,
        raw_path=None if path == old.path else raw,
        inode=_inode(old.path),
        name=name,
        destination=str(old.destination),
        run_keys=str(old.run_keys),
        status=Status.PENDING,
        status_since=old.updated_at,
        created_at=old.created_at,
        updated_at=old.updated_at,
    )


def _inode(path: str) -> int | None:
    try:
        return Path(path).stat().st_ino
    except OSError:
        return None


def _has_news(job: ArchiveJob, old: OldRun) -> bool:
    """Whether the old service has made an archive for which this job still waits, or
    one that was elsewhere only is here now."""
    is_meant = (
        has_archive(old.status)
        and (job.destination, job.run_keys) == (str(old.destination), str(old.run_keys))
        and job.name == shown(os.fsencode(old.run_name))
    )
    if job.sealed_at is None:
        return is_meant and job.status in (Status.PENDING, Status.FAILED)
    is_back = not job.is_here and _has_file(job)
    return is_meant and job.origin == Origin.ADOPTED and is_back


def _fill(job: ArchiveJob, old: OldRun, home: Path | None) -> None:
    """Status and archive as the old service left them; the row is saved."""
    if job.sealed_at is not None:
        _find_files(job, home)
        return
    job.failure_count = old.failure_count
    job.code = job.message = job.next_step = ""
    job.not_before = None
    if old.status == OldStatus.FAILED:
        change_status(job, Status.FAILED)
        job.message = f"dataflow_archive gave up after {old.failure_count} failures"
        job.next_step = "Retry it: SeqHub begins afresh."
    elif has_archive(old.status):
        change_status(job, Status.ENCRYPTED)
        job.failure_count = 0
        job.origin = Origin.ADOPTED
        job.sealed_at = old.updated_at
    job.status_since = old.updated_at
    job.save()
    if job.sealed_at is not None:
        _find_files(job, home)


def _find_files(job: ArchiveJob, home: Path | None) -> None:
    """The row is saved."""
    job.is_here = _has_file(job)
    if not job.key_sha256 and (wrapped := read_wrapped(job)) is not None:
        job.wrapped_key, job.key_sha256 = wrapped, key_digest(wrapped)
    job.save(update_fields=["is_here", "wrapped_key", "key_sha256"])
    if home is not None and job.wrapped_key is not None:
        _note_recipients(job, home)


def _note_recipients(job: ArchiveJob, home: Path) -> None:
    try:
        note_recipients(job, fingerprints_of(home, bytes(job.wrapped_key or b"")))
    except Trouble as trouble:
        raise InvalidValue(f"{job.name}: {trouble.message}. {trouble.next_step}") from (
            trouble
        )


def _note_copy(job: ArchiveJob, old: OldRun) -> None:
    """What the old service sent away. Nobody has read it back since."""
    if _was_sent(old):
        stored_at = old.pdc_archived or old.updated_at
        state, message = CopyState.STORED, ""
    elif old.status in (OldStatus.ARCHIVING, OldStatus.ARCHIVING_FAILED):
        stored_at, state = None, CopyState.FAILED
        message = f"dataflow_archive left it {old.status.replace('_', ' ')}."
    else:
        return
    ArchiveCopy.objects.get_or_create(
        job=job,
        place=PLACE,
        defaults={
            "state": state,
            "state_since": stored_at or old.updated_at,
            "stored_at": stored_at,
            "message": message,
            "reference": job.archive_path.name,
        },
    )
