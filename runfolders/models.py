"""What is on disk: roots, instruments, run folders, their samples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from django.db import models

from runfolders.choices import Outcome, Platform, RootStatus, Sequencing, State


class Root(models.Model):
    """A directory that is watched; it belongs to the host that scans it."""

    host = models.CharField(max_length=255)
    path = models.CharField(max_length=4096)
    depth = models.PositiveSmallIntegerField(default=1)
    # False: no longer in the configuration; its run folders are hidden.
    is_configured = models.BooleanField(default=True)
    status = models.CharField(
        max_length=20, choices=RootStatus.choices, default=RootStatus.AVAILABLE
    )
    status_since = models.DateTimeField()
    message = models.TextField(blank=True)
    scanned_at = models.DateTimeField(null=True)
    scan_duration_s = models.FloatField(null=True)
    total_bytes = models.BigIntegerField(null=True)
    free_bytes = models.BigIntegerField(null=True)

    class Meta:
        ordering: ClassVar = ["host", "path"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["host", "path"], name="root_once_per_host")
        ]

    def __str__(self) -> str:
        return self.path


class Instrument(models.Model):
    """A sequencer; it appears with its first run."""

    serial = models.CharField(max_length=100, unique=True)
    model = models.CharField(max_length=100, blank=True)
    platform = models.CharField(max_length=20, choices=Platform.choices)
    name = models.CharField(
        max_length=100, blank=True, help_text="What the lab calls it."
    )

    class Meta:
        ordering: ClassVar = ["serial"]

    def __str__(self) -> str:
        return self.name or self.serial


class Runfolder(models.Model):
    """A directory that a sequencer writes.

    `sequencing` is ours, read from the disk; `state` belongs to the API
    clients. Paths are text in which a byte that is not UTF-8 stands as `\\xe5`;
    `location` gives the real path.
    """

    root = models.ForeignKey(Root, on_delete=models.PROTECT, related_name="runfolders")
    host = models.CharField(max_length=255)
    path = models.CharField(max_length=4096)
    raw_path = models.BinaryField(null=True, editable=False)
    name = models.CharField(max_length=1024)
    # False: vanished or moved; then another row may hold the same path.
    is_present = models.BooleanField(default=True)

    # What the folder says of itself.
    platform = models.CharField(max_length=20, choices=Platform.choices)
    run_id = models.CharField(max_length=1024, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    instrument = models.ForeignKey(
        Instrument, null=True, on_delete=models.SET_NULL, related_name="runfolders"
    )
    # As this folder has it; the instrument's own is that of its last run.
    instrument_model = models.CharField(max_length=100, blank=True)
    run_number = models.IntegerField(null=True)
    flow_cell = models.CharField(max_length=100, blank=True)
    side = models.CharField(max_length=10, blank=True)
    date_raw = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    # In read order, each as engine.facts.Read.
    reads = models.JSONField(default=list)
    total_cycles = models.PositiveIntegerField(null=True)
    lanes = models.PositiveSmallIntegerField(null=True)
    experiment_name = models.CharField(max_length=500, blank=True)
    reagent_kit = models.CharField(max_length=200, blank=True)
    reagent_kit_barcode = models.CharField(max_length=200, blank=True)
    library_tube = models.CharField(max_length=200, blank=True)
    chemistry = models.CharField(max_length=200, blank=True)
    flow_cell_mode = models.CharField(max_length=100, blank=True)
    software = models.CharField(max_length=200, blank=True)
    rta_version = models.CharField(max_length=100, blank=True)
    operator = models.CharField(max_length=200, blank=True)
    extra = models.JSONField(default=dict)
    # Each: code, message and line (of the sheet, or null).
    problems = models.JSONField(default=list)
    sheet_name = models.CharField(max_length=500, blank=True)
    sheet_dialect = models.CharField(max_length=20, blank=True)
    sheet_problems = models.JSONField(default=list)

    # Is it all there?
    sequencing = models.CharField(
        max_length=20, choices=Sequencing.choices, default=Sequencing.SEQUENCING
    )
    sequencing_since = models.DateTimeField()
    sequencing_reason = models.TextField(blank=True)
    # What the disk says while a person's word stands in `sequencing`.
    sequencing_on_disk = models.CharField(max_length=20, choices=Sequencing.choices)
    is_overridden = models.BooleanField(default=False)
    outcome = models.CharField(
        max_length=20, choices=Outcome.choices, default=Outcome.UNKNOWN
    )
    outcome_message = models.TextField(blank=True)
    cycles_done = models.PositiveIntegerField(null=True)
    progress_at = models.DateTimeField(null=True)  # cycles_done last grew
    stalled_at = models.DateTimeField(null=True)
    # Completion markers: name -> {"mtime": s, "first_seen": s} since 1970
    markers = models.JSONField(default=dict)
    stable_polls = models.PositiveIntegerField(default=0)
    # Settling ends then if nothing changes.
    due_at = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    vanished_at = models.DateTimeField(null=True)
    # Not found at the last scan; at a second one in a row it has vanished.
    missing_since = models.DateTimeField(null=True, editable=False)
    # Names and stats of the last look, engine.listing's Signature as text.
    signature = models.TextField(blank=True, editable=False)

    # What do clients do with it?
    state = models.CharField(max_length=20, choices=State.choices, default=State.NONE)
    state_since = models.DateTimeField()
    # False: a client or a person said it, and what the disk shows changes nothing.
    is_state_ours = models.BooleanField(default=True)

    project = models.CharField(max_length=200, blank=True)
    size_bytes = models.BigIntegerField(null=True)
    size_measured_at = models.DateTimeField(null=True)
    # A person wants it out of lists and out of the API's answers.
    ignored_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-first_seen_at", "-id"]
        verbose_name = "run"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "path"],
                condition=models.Q(is_present=True),
                name="runfolder_once_per_path",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["-first_seen_at", "-id"]),
            models.Index(
                fields=["completed_at", "id"],
                condition=models.Q(state="ready"),
                name="runfolder_ready",
            ),
            models.Index(fields=["state", "-first_seen_at"]),
            models.Index(fields=["sequencing", "-first_seen_at"]),
            models.Index(fields=["run_id"]),
            models.Index(fields=["flow_cell"]),
            models.Index(fields=["project"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> str:
        """How events and attention name it."""
        return f"runfolder:{self.pk}"

    @property
    def location(self) -> Path:
        """The path as the file system spells it."""
        if self.raw_path is None:
            return Path(self.path)
        return Path(os.fsdecode(bytes(self.raw_path)))

    @property
    def read_structure(self) -> str:
        """Cycles a read in read order: `151-8-8-151`."""
        return "-".join(str(read["cycles"]) for read in self._reads)

    @property
    def _reads(self) -> list[dict[str, Any]]:
        return list(self.reads)


class Sample(models.Model):
    """A row of a run's sample sheet."""

    runfolder = models.ForeignKey(
        Runfolder, on_delete=models.CASCADE, related_name="samples"
    )
    sample_id = models.CharField(max_length=300)
    name = models.CharField(max_length=300, blank=True)
    project = models.CharField(max_length=200, blank=True)
    lane = models.PositiveSmallIntegerField(null=True)  # None: all lanes
    index = models.CharField(max_length=200, blank=True)
    index2 = models.CharField(max_length=200, blank=True)
    line = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["runfolder", "line"]
        indexes: ClassVar = [
            models.Index(fields=["sample_id"]),
            models.Index(fields=["name"]),
            models.Index(fields=["project"]),
        ]

    def __str__(self) -> str:
        return self.sample_id


class Hold(models.Model):
    """Stops next, pickup and everything automatic; changes no state."""

    runfolder = models.ForeignKey(
        Runfolder, on_delete=models.CASCADE, related_name="holds"
    )
    reason = models.TextField()
    held_by = models.CharField(max_length=150)
    held_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-held_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["runfolder"],
                condition=models.Q(released_at=None),
                name="one_open_hold_per_runfolder",
            )
        ]

    def __str__(self) -> str:
        return self.reason


class Note(models.Model):
    """What a person wrote on a run's page."""

    runfolder = models.ForeignKey(
        Runfolder, on_delete=models.CASCADE, related_name="notes"
    )
    text = models.TextField()
    author = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return self.text


class PassedOver(models.Model):
    """A directory of a host that looks like a run and is none to be found: the
    scanner passes it over, wherever below a root it lies."""

    host = models.CharField(max_length=255)
    # Of the real path, written as in Runfolder.
    path = models.CharField(max_length=4096)
    raw_path = models.BinaryField(null=True, editable=False)
    reason = models.TextField()
    since = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["host", "path"]
        verbose_name_plural = "passed over"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "path"], name="passed_over_once_per_path"
            )
        ]

    def __str__(self) -> str:
        return self.path
