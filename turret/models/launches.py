"""Our starts of pipelines."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from turret.choices import ENDED_LAUNCH, LaunchState, TraceBy
from turret.models.pipelines import ComputeEnvironment, Pipeline
from turret.models.workflows import Workflow


class Launch(models.Model):
    """One start of `nextflow run` by us. Its id is its workflow's id.

    The row says what to run and how the process stands; what Nextflow tells of the
    run stands in the workflow. What it was started with is kept here as it was: a
    saved pipeline may change.
    """

    workflow = models.OneToOneField(
        Workflow, on_delete=models.CASCADE, related_name="launch"
    )
    pipeline = models.ForeignKey(
        Pipeline, null=True, on_delete=models.SET_NULL, related_name="launches"
    )
    compute = models.ForeignKey(
        ComputeEnvironment, on_delete=models.PROTECT, related_name="launches"
    )
    # Whose queue starts it and watches it.
    host = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="launches",
    )
    # What it was resumed from, or launched anew after.
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="children"
    )
    # The session that it goes on with; empty: a new one.
    resumed_session = models.CharField(max_length=255, blank=True)

    source = models.CharField(max_length=1000)
    revision = models.CharField(max_length=255, blank=True)
    profile = models.CharField(max_length=255, blank=True)
    params = models.JSONField(default=dict)
    config_text = models.TextField(blank=True)
    # Its nextflow.config is a layer of the configuration.
    project_dir = models.CharField(max_length=1000, blank=True)
    run_name = models.CharField(max_length=255)
    labels = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    max_run_time_s = models.PositiveIntegerField(null=True)
    trace = models.CharField(max_length=10, choices=TraceBy.choices)

    # Ours alone: parameters, script, log, exit code.
    directory = models.CharField(max_length=1000)
    # Where Nextflow is started; a resumed one's is its parent's.
    launch_dir = models.CharField(max_length=1000)
    work_dir = models.CharField(max_length=1000)

    state = models.CharField(
        max_length=10, choices=LaunchState.choices, default=LaunchState.PENDING
    )
    state_since = models.DateTimeField()
    submitted_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Of the process that runs on the host: all three, or none.
    pid = models.IntegerField(null=True)
    start_ticks = models.BigIntegerField(null=True)
    boot_id = models.CharField(max_length=64, blank=True)
    job_id = models.CharField(max_length=64, blank=True)  # SLURM's
    exit_code = models.IntegerField(null=True)
    # Why it waits or ended as it did, and what to do.
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    next_step = models.TextField(blank=True)
    cancel_asked_at = models.DateTimeField(null=True)
    # After it, what still runs is killed.
    kill_at = models.DateTimeField(null=True)
    # How far the trace file and the log were read (engine's own words).
    followed = models.JSONField(default=dict)
    size_bytes = models.BigIntegerField(null=True)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "launches"
        ordering: ClassVar = ["-submitted_at", "-id"]
        permissions: ClassVar = [
            ("launch_launch", "Can launch, resume and cancel pipelines"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-submitted_at", "-id"]),
            models.Index(fields=["state", "-submitted_at"]),
            models.Index(
                fields=["host", "submitted_at"],
                name="launch_under_way",
                condition=~Q(state__in=[state.value for state in ENDED_LAUNCH]),
            ),
        ]

    def __str__(self) -> str:
        return self.run_name

    @property
    def subject(self) -> str:
        """How events and attention name it."""
        return f"launch:{self.pk}"

    @property
    def launch_id(self) -> str:
        return self.workflow.workflow_id
