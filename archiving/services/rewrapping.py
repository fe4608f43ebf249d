"""Wrapping the keys of archives anew, and writing lost key files again.

The archives themselves are not touched.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from archiving.choices import Status
from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.recipients import Recipient as Found
from archiving.engine.gpg.recipients import look_up
from archiving.engine.gpg.wrapping import recipients_of, unwrap, wrap
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob
from archiving.services.history import record
from archiving.services.jobs import lock_job
from archiving.services.keys import (
    key_digest,
    note_recipients,
    read_wrapped,
    wrapped_key,
)
from archiving.services.policy import current_policy
from seqhub.lib.files import write_atomic
from seqhub.operations.services.events import Actor


@dataclass(slots=True)
class RewrapReport:
    """Names of archives; with what went wrong where it did."""

    rewrapped: list[str] = field(default_factory=list)  # or would be
    unchanged: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ExportReport:
    """Paths of key files."""

    written: list[Path] = field(default_factory=list)  # or would be
    # Others than the database has lie there; they stay as they are.
    different: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)


def rewrap(
    job_ids: Sequence[int] | None, *, actor: Actor, dry_run: bool = False
) -> RewrapReport:
    """Let the present `gpg_receivers`, and nobody else, open the archives: those
    named, or all of this host.

    Raises Trouble when a receiver's key can't be used; what goes wrong with one
    archive is in the report.
    """
    policy = current_policy()
    report = RewrapReport()
    with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
        receivers = look_up(home, policy.receivers, timezone.now())
        for receiver in receivers:
            if receiver.problem:
                raise Trouble(receiver.problem, receiver.message, receiver.next_step)
        if not receivers:
            raise Trouble(
                Code.NO_RECIPIENT,
                "there is nobody to encrypt to",
                "Name at least one key in archiving.gpg_receivers.",
            )
        for job in _with_archives(job_ids).iterator(chunk_size=100):
            try:
                is_new = _rewrap_one(job, home, receivers, actor, dry_run=dry_run)
            except Trouble as trouble:
                report.failed[job.name] = f"{trouble.message}. {trouble.next_step}"
            except OSError as error:
                report.failed[job.name] = (
                    f"{job.key_path} can't be written: {error.strerror}. Repeat this "
                    "once it can."
                )
            else:
                (report.rewrapped if is_new else report.unchanged).append(job.name)
    return report


def export_keys(directory: Path | None, *, dry_run: bool = False) -> ExportReport:
    """Write wrapped keys from the database: of all archives into `directory`, or,
    with None, those of this host that are missing where they belong.

    In `directory` the number of the archive is in the name where an older archive is
    called the same. A file that is there is never replaced.
    """
    namesakes = ArchiveJob.objects.filter(name=OuterRef("name"), pk__lt=OuterRef("pk"))
    jobs = ArchiveJob.objects.filter(wrapped_key__isnull=False).order_by("name", "id")
    if directory is None:
        jobs = jobs.filter(host=settings.CONFIG.host)
    report = ExportReport()
    rows = jobs.annotate(has_older_namesake=Exists(namesakes))
    for job in rows.iterator(chunk_size=100):
        path = job.key_path
        if directory is not None:
            number = f".{job.pk}" if job.has_older_namesake else ""
            path = directory / f"{job.name}{number}.key.gpg"
        _export(path, bytes(job.wrapped_key or b""), report, dry_run=dry_run)
    return report


def _export(path: Path, wrapped: bytes, report: ExportReport, *, dry_run: bool) -> None:
    try:
        if path.exists():
            if path.read_bytes() != wrapped:
                report.different.append(path)
            return
        if not dry_run:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomic(path, wrapped)
    except OSError as error:
        report.failed[path] = error.strerror or str(error)
    else:
        report.written.append(path)


def _with_archives(job_ids: Sequence[int] | None) -> QuerySet[ArchiveJob]:
    jobs = ArchiveJob.objects.filter(sealed_at__isnull=False).order_by("id")
    if job_ids is None:
        return jobs.filter(host=settings.CONFIG.host)
    return jobs.filter(pk__in=job_ids)


def _rewrap_one(
    job: ArchiveJob,
    home: Path,
    receivers: Sequence[Found],
    actor: Actor,
    *,
    dry_run: bool,
) -> bool:
    """Whether there was something to do. Raises Trouble, OSError."""
    if job.host != settings.CONFIG.host:
        raise Trouble(
            Code.DESTINATION_MISSING,
            f"its key file is on {job.host}",
            f"Do it on {job.host}.",
        )
    before = wrapped_key(job)
    _check_is_ours(job, before)
    wanted = {receiver.key_id for receiver in receivers}
    if set(recipients_of(before)) == wanted:
        # The file may have gone.
        if read_wrapped(job) == before and job.wrapped_key is not None:
            return False
        after = before
    else:
        after = wrap(home, unwrap(home, before), receivers)
    if not dry_run:
        _replace(job, before, after, receivers, actor)
    return True


@transaction.atomic
def _replace(
    job: ArchiveJob,
    before: bytes,
    after: bytes,
    receivers: Sequence[Found],
    actor: Actor,
) -> None:
    """The row and the file, or neither. Raises Trouble, OSError."""
    row = lock_job(job.pk)
    _check_is_ours(row, before)
    row.wrapped_key = after
    row.key_sha256 = key_digest(after)
    row.updated_at = timezone.now()
    row.save(update_fields=["wrapped_key", "key_sha256", "updated_at"])
    note_recipients(row, [receiver.fingerprint for receiver in receivers])
    names = ", ".join(receiver.identifier for receiver in receivers)
    record(row, "rewrapped", f"Its key can be opened by {names} now.", actor=actor)
    # Under the lock: nobody can publish another archive with its key meanwhile.
    write_atomic(row.key_path, after)


def _check_is_ours(row: ArchiveJob, wrapped: bytes) -> None:
    """Raises Trouble if `wrapped` is not, or not surely, the archive's key."""
    is_other = row.wrapped_key is not None and bytes(row.wrapped_key) != wrapped
    if is_other or row.status == Status.PROCESSING or row.publishing:
        raise Trouble(
            Code.DESTINATION_OCCUPIED,
            "the archive is being sealed anew",
            "Repeat this when that is done.",
        )
    # The database may have been restored from before the archive was sealed anew:
    # the file is its only key then.
    if read_wrapped(row) != wrapped and os.path.lexists(row.key_path):
        raise Trouble(
            Code.DESTINATION_OCCUPIED,
            f"{row.key_path} is not the key that the database has; it stays",
            f"Find out which one opens the archive: seqhub verify {row.name}, and once "
            "more with --key-file for the file. If it is the database's, which seqhub "
            "keys --export DIR writes, move the file away and repeat this. If it is "
            "the file's, keep a copy of the file, and seal the run anew if you can.",
        )
