"""Archives: how they are made, verified, kept elsewhere and restored."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from django.db import models

from archiving.choices import (
    CheckState,
    CopyState,
    Depth,
    Origin,
    Outcome,
    RestoreState,
    Stage,
    Status,
    Verified,
)
from runfolders.models import Runfolder
from seqhub.lib.lease import Leased


class Progress(models.Model):
    """How far long work has come; its worker writes it at most every second."""

    stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    bytes_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(null=True)
    files_done = models.BigIntegerField(default=0)
    files_total = models.BigIntegerField(null=True)
    rate_bytes_s = models.FloatField(null=True)
    progress_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


# The columns of Progress when work begins anew.
NO_PROGRESS = {
    "stage": "",
    "bytes_done": 0,
    "bytes_total": None,
    "files_done": 0,
    "files_total": None,
    "rate_bytes_s": None,
    "progress_at": None,
}


class ArchiveJob(Leased, Progress):
    """One run folder, and the encrypted archive that is made of it.

    Keeps its own run name and path: it outlives the run folder and its row.
    `name` is what its files are called: `<name>.tar.gpg`, `<name>.key.gpg`.
    """

    runfolder = models.ForeignKey(
        Runfolder, null=True, on_delete=models.SET_NULL, related_name="archive_jobs"
    )
    host = models.CharField(max_length=255)
    run_name = models.CharField(max_length=1024)
    sequencer = models.CharField(max_length=255, blank=True)
    # Text, in which a byte that is not UTF-8 stands as `\xe5`.
    path = models.CharField(max_length=4096)
    raw_path = models.BinaryField(null=True, editable=False)
    # Tells whether a path that two hosts see is the same directory.
    inode = models.BigIntegerField(null=True, editable=False)
    name = models.CharField(max_length=1024)
    destination = models.CharField(max_length=4096)
    run_keys = models.CharField(max_length=4096)
    origin = models.CharField(
        max_length=20, choices=Origin.choices, default=Origin.SEALED
    )

    status = models.CharField(
        max_length=20, choices=Status.choices, default=Status.PENDING
    )
    status_since = models.DateTimeField()
    verification = models.CharField(
        max_length=20, choices=Verified.choices, default=Verified.NONE
    )
    verified_at = models.DateTimeField(null=True)
    # Asked for by a person: API clients' states don't keep it waiting.
    is_manual = models.BooleanField(default=False)
    held_at = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=150, blank=True)
    held_reason = models.TextField(blank=True)
    # A person wants the running attempt to end.
    cancel_requested_at = models.DateTimeField(null=True)
    ignored_at = models.DateTimeField(null=True)

    failure_count = models.PositiveIntegerField(default=0)
    # Why it failed last, or what it waits for (errors.Code).
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    not_before = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    # The archive as it was sealed last; unset until then.
    sealed_at = models.DateTimeField(null=True)
    sealed_attempt = models.PositiveIntegerField(null=True)
    archive_bytes = models.BigIntegerField(null=True)
    archive_sha256 = models.CharField(max_length=64, blank=True)
    # Of the wrapped key; the file in `run_keys` is a copy.
    wrapped_key = models.BinaryField(null=True, editable=False)
    key_sha256 = models.CharField(max_length=64, blank=True)
    # Of the manifest in the clear; empty: the archive has none.
    manifest_sha256 = models.CharField(max_length=64, blank=True)
    # Of the encrypted one beside the archive.
    sealed_manifest_sha256 = models.CharField(max_length=64, blank=True)
    # The host that keeps it readable.
    manifest_host = models.CharField(max_length=255, blank=True)
    source_bytes = models.BigIntegerField(null=True)
    source_files = models.BigIntegerField(null=True)
    left_out_bytes = models.BigIntegerField(null=True)
    left_out_files = models.BigIntegerField(null=True)
    has_weak_key = models.BooleanField(default=False)
    # False: its files are elsewhere only (an adopted archive).
    is_here = models.BooleanField(default=True)
    # What an attempt has verified and is about to publish; services.publishing
    # finishes it whatever happens to the worker.
    publishing = models.JSONField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        verbose_name = "archive"
        permissions: ClassVar = [
            ("restore_archivejob", "Can restore from an archive"),
            ("seal_archivejob", "Can have runs sealed, held, retried and cancelled"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "path"], name="archivejob_once_per_path"
            ),
            models.UniqueConstraint(
                fields=["destination", "name"], name="archivejob_once_per_name"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["status", "-created_at"]),
            models.Index(fields=["run_name"]),
            models.Index(
                fields=["lease_until"],
                condition=models.Q(status="processing"),
                name="archivejob_leases",
            ),
            models.Index(fields=["verified_at"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """How events and attention name it."""
        return f"archivejob:{self.pk}"

    @property
    def run(self) -> tuple[int, str] | None:
        """How events name its run folder."""
        return (self.runfolder_id, self.run_name) if self.runfolder_id else None

    @property
    def location(self) -> Path:
        """The run folder's path as the file system spells it."""
        if self.raw_path is None:
            return Path(self.path)
        return Path(os.fsdecode(bytes(self.raw_path)))

    @property
    def archive_path(self) -> Path:
        return Path(self.destination) / f"{self.name}.tar.gpg"

    @property
    def sealed_manifest_path(self) -> Path:
        return Path(self.destination) / f"{self.name}.manifest.gpg"

    @property
    def key_path(self) -> Path:
        return Path(self.run_keys) / f"{self.name}.key.gpg"


class ArchiveAttempt(models.Model):
    """One try at sealing a run."""

    job = models.ForeignKey(
        ArchiveJob, on_delete=models.CASCADE, related_name="attempts"
    )
    number = models.PositiveIntegerField()
    worker_id = models.CharField(max_length=200)
    host = models.CharField(max_length=255)
    outcome = models.CharField(
        max_length=20, choices=Outcome.choices, default=Outcome.RUNNING
    )
    stage = models.CharField(max_length=20, choices=Stage.choices, blank=True)
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    # The last lines that tar and gpg wrote.
    log_tail = models.TextField(blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    bytes_done = models.BigIntegerField(default=0)
    seal_s = models.FloatField(null=True)
    verify_s = models.FloatField(null=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["job", "number"], name="attempt_once_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} at {self.job_id}"


class Verification(Leased, Progress):
    """One look at an archive: asked for, going on, or done."""

    job = models.ForeignKey(
        ArchiveJob, on_delete=models.CASCADE, related_name="verifications"
    )
    depth = models.CharField(max_length=10, choices=Depth.choices, default=Depth.FULL)
    # Compare the source with the manifest, too; deep: digests as well.
    with_source = models.BooleanField(default=False)
    is_deep = models.BooleanField(default=False)
    state = models.CharField(
        max_length=20, choices=CheckState.choices, default=CheckState.REQUESTED
    )
    # "" for the schedule.
    requested_by = models.CharField(max_length=150, blank=True)
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # The first hundred, each engine.findings.Finding.
    findings = models.JSONField(default=list)
    findings_count = models.PositiveIntegerField(default=0)
    # Sentences.
    checked = models.JSONField(default=list)
    not_checked = models.JSONField(default=list)
    message = models.TextField(blank=True)
    cancel_requested_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-requested_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["job"],
                condition=models.Q(state__in=["requested", "running"]),
                name="one_open_verification_per_job",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["state", "requested_at"])]

    def __str__(self) -> str:
        return f"verification of {self.job_id}"


class Restore(Leased, Progress):
    """Getting a run, or some of its files, back."""

    job = models.ForeignKey(
        ArchiveJob, on_delete=models.CASCADE, related_name="restores"
    )
    host = models.CharField(max_length=255)
    # The directory in which the run folder appears.
    target = models.CharField(max_length=4096)
    # Names in the run folder as engine.members.shown; empty: all of it.
    files = models.JSONField(default=list)
    state = models.CharField(
        max_length=20, choices=RestoreState.choices, default=RestoreState.REQUESTED
    )
    state_since = models.DateTimeField()
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    files_checked = models.BigIntegerField(null=True)
    not_before = models.DateTimeField(null=True)
    failure_count = models.PositiveIntegerField(default=0)
    cancel_requested_at = models.DateTimeField(null=True)
    # From a manager's shell: not bound to restore_roots, never removed by itself.
    is_anywhere = models.BooleanField(default=False)
    # There may be a directory with what is half restored, written by that worker;
    # identities are those of services.folders.
    has_partial = models.BooleanField(default=False, editable=False)
    partial_by = models.CharField(max_length=200, blank=True, editable=False)
    partial_identity = models.CharField(max_length=100, blank=True, editable=False)
    # Random: part of that directory's name, and noted in it and in the one made.
    mark = models.CharField(max_length=32, blank=True, editable=False)
    # The directory that was made, the inode of the one it appeared in, and its change
    # time: nothing else is removed.
    made_path = models.BinaryField(null=True, editable=False)
    made_identity = models.CharField(max_length=100, blank=True, editable=False)
    made_in = models.CharField(max_length=50, blank=True, editable=False)
    made_ns = models.BigIntegerField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-requested_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["state", "requested_at"])]

    def __str__(self) -> str:
        return f"restore to {self.target}"

    @property
    def subject(self) -> str:
        return f"restore:{self.pk}"


class ArchiveCopy(models.Model):
    """Another place that holds the archive."""

    job = models.ForeignKey(ArchiveJob, on_delete=models.CASCADE, related_name="copies")
    place = models.CharField(max_length=200)
    reference = models.CharField(max_length=4096, blank=True)
    state = models.CharField(
        max_length=20, choices=CopyState.choices, default=CopyState.QUEUED
    )
    state_since = models.DateTimeField()
    message = models.TextField(blank=True)
    stored_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["job", "place"]
        verbose_name = "copy"
        verbose_name_plural = "copies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "place"], name="copy_once_per_place")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} at {self.place}"


class Recipient(models.Model):
    """Somebody to whom run keys are wrapped, as the last check found the key.

    Known by the fingerprint, or by a key id (the last 16 digits of a
    fingerprint, of an adopted archive's key file).
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    identifier = models.CharField(max_length=300, blank=True)  # as configured
    user_id = models.CharField(max_length=500, blank=True)
    algorithm = models.CharField(max_length=50, blank=True)
    is_configured = models.BooleanField(default=False)
    has_secret_key = models.BooleanField(default=False)
    key_created_at = models.DateTimeField(null=True)
    key_expires_at = models.DateTimeField(null=True)
    # Empty: the last check found nothing wrong (errors.Code).
    problem = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    jobs = models.ManyToManyField(ArchiveJob, related_name="recipients")

    class Meta:
        ordering: ClassVar = ["-is_configured", "user_id", "fingerprint"]
        verbose_name = "key"

    def __str__(self) -> str:
        return self.user_id or self.fingerprint
