"""The sentence that opens an archive's page: what it waits for, since when, and
what to do."""

from __future__ import annotations

import datetime as dt

from archiving.choices import RestoreState, Stage, Status, Verified
from archiving.models import ArchiveJob, Restore, Verification
from archiving.panels.chips import NO_LIST
from seqhub.lib.units import format_duration


def headline(
    job: ArchiveJob,
    now: dt.datetime,
    *,
    is_on: bool,
    eta_s: float | None = None,
    looking: Verification | None = None,
    read_at: dt.datetime | None = None,
) -> str:
    """`is_on`: does the configuration allow sealing? `eta_s`: left for the running
    attempt, where that is known; `looking`: its open verification; `read_at`: when it
    was last read (reads.last_read_at)."""
    if job.status == Status.PROCESSING:
        return _when_processing(job, now, eta_s)
    if job.status == Status.FAILED:
        return _when_failed(job, now)
    if job.status == Status.ENCRYPTED:
        return _when_sealed(job, now, looking, read_at)
    return _when_pending(job, now, is_on=is_on)


def _when_processing(job: ArchiveJob, now: dt.datetime, eta_s: float | None) -> str:
    if job.cancel_requested_at:
        return "Being cancelled: what is half made is removed."
    stage = Stage(job.stage).label if job.stage else "beginning"
    text = f"{stage[:1].upper()}{stage[1:]}, begun {_ago(job.status_since, now)}"
    if eta_s is not None:
        text += f"; about {format_duration(eta_s, units=1)} left for this"
    if job.attempt > 1:
        text += f". This is attempt {job.attempt}"
    return f"{text}."


def _when_failed(job: ArchiveJob, now: dt.datetime) -> str:
    times = f" after {job.failure_count} attempts" if job.failure_count > 1 else ""
    text = f"Failed {_ago(job.status_since, now)}{times}"
    return _sentences(f"{text}: {job.message}" if job.message else text, job.next_step)


def _when_pending(job: ArchiveJob, now: dt.datetime, *, is_on: bool) -> str:
    old = ""
    if job.sealed_at:
        old = f"The archive of {_ago(job.sealed_at, now)} stays until then."
    if job.ignored_at:
        return f"Ignored for {_for(job.ignored_at, now)}: it is not sealed by itself."
    if job.held_at:
        return _sentences(
            f"On hold for {_for(job.held_at, now)}: {job.held_reason}", old
        )
    if not is_on:
        return _sentences(
            "Sealing is off: the configuration names no destination or no recipient",
            "Set archiving.destination_path and archiving.gpg_receivers, then restart.",
        )
    since = _for(job.status_since, now)
    again = ""
    if job.not_before and job.not_before > now:
        again = f"It tries again by itself in {_for(now, job.not_before)}."
    if job.code and job.failure_count:
        times = "once" if job.failure_count == 1 else f"{job.failure_count} times"
        said = f"Failed {times}: {job.message}"
        return _sentences(said, job.next_step, again, old)
    if job.code:
        said = f"Waiting for {since}: {job.message}"
        return _sentences(said, job.next_step, again, old)
    return _sentences(f"Waiting for a free worker for {since}", again, old)


def _when_sealed(
    job: ArchiveJob,
    now: dt.datetime,
    looking: Verification | None,
    read_at: dt.datetime | None,
) -> str:
    made = "Sealed"
    if job.sealed_at:
        made = f"Sealed {_ago(job.sealed_at, now)}"
    if job.code:
        return _sentences(
            f"{made}; it could not be sealed anew: {job.message}",
            job.next_step,
            "This archive stays.",
        )
    if job.verification == Verified.DAMAGED:
        when = f" {_ago(read_at, now)}" if read_at else ""
        return (
            f"Damaged: when it was read{when}, it was not as sealed. Look at "
            "Verifications; seal the run anew if it is still on disk, and keep "
            "every copy until then."
        )
    if looking is not None:
        return (
            f"{made}; it is being read back now."
            if looking.started_at
            else (f"{made}; it waits to be read back.")
        )
    if job.verification == Verified.NONE:
        return f"{made}, but never read back since. Verify it."
    when = f"read {_ago(read_at, now)}" if read_at else "read back"
    if job.has_weak_key:
        return f"{made}; {when}, but its key was cut short. Seal the run anew."
    if not job.manifest_sha256:
        return _sentences(f"{made}; {when}", NO_LIST)
    return f"{made}; {when} and found as it was sealed."


def restore_headline(
    row: Restore, now: dt.datetime, *, eta_s: float | None = None
) -> str:
    """What a restore waits for, or what there is to find where."""
    if row.state == RestoreState.RUNNING:
        return _when_restoring(row, now, eta_s)
    since = _for(row.state_since, now)
    if row.state == RestoreState.REQUESTED:
        if not row.message:
            return f"Waiting for a free worker for {since}."
        return _sentences(f"Waiting for {since}: {row.message}", row.next_step)
    if row.state == RestoreState.FAILED:
        return _sentences(
            f"Failed {since} ago: {row.message or 'nothing more is known'}",
            row.next_step,
        )
    if row.state == RestoreState.AVAILABLE:
        return _when_available(row, now)
    if row.state == RestoreState.EXPIRED:
        return f"Removed {since} ago. It can be restored again."
    return f"Given up {since} ago; nothing is left of it."


def _when_restoring(row: Restore, now: dt.datetime, eta_s: float | None) -> str:
    if row.cancel_requested_at:
        return "Being cancelled: what is half written is removed."
    text = f"Being decrypted and written for {_for(row.state_since, now)}"
    if eta_s is not None:
        text += f"; about {format_duration(eta_s, units=1)} left"
    return f"{text}."


def _when_available(row: Restore, now: dt.datetime) -> str:
    text = f"Restored {_for(row.state_since, now)} ago"
    if row.files_checked is not None:
        files = f"each of {row.files_checked:,} files"
        one = "its only file"
        text += f"; {one if row.files_checked == 1 else files} is as it was sealed"
    if row.expires_at:
        text += f". It is removed in {_for(now, row.expires_at)}"
    return f"{text}."


def _for(start: dt.datetime, end: dt.datetime) -> str:
    return format_duration((end - start).total_seconds())


def _ago(at: dt.datetime, now: dt.datetime) -> str:
    return f"{format_duration((now - at).total_seconds(), units=1)} ago"


def _sentences(*parts: str) -> str:
    """Each part with one full stop; empty ones left out."""
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)
