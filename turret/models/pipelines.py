"""Saved pipelines, and where they run."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models

from turret.choices import ComputeKind, TraceBy

# Of what a person writes: scripts, configuration.
LONGEST_TEXT = 100_000


class ComputeEnvironment(models.Model):
    """Where Nextflow itself runs: on a host, or as a head job of SLURM.

    What tasks run on, the pipeline's configuration says. The one that is called
    `local` is the configuration's (turret.launcher) and is not to be changed here.
    """

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(
        max_length=10, choices=ComputeKind.choices, default=ComputeKind.LOCAL
    )
    # Whose queue starts and watches the launches; for SLURM one that has its commands.
    host = models.CharField(max_length=80)
    is_configured = models.BooleanField(default=False, editable=False)
    is_enabled = models.BooleanField(default=True)
    trace = models.CharField(
        max_length=10, choices=TraceBy.choices, default=TraceBy.AUTO
    )
    # Empty: turret.launcher.nextflow.
    nextflow = models.CharField(max_length=500, blank=True)
    # Empty: below turret.launcher.work_dir.
    work_dir = models.CharField(max_length=1000, blank=True)
    config_text = models.TextField(blank=True, max_length=LONGEST_TEXT)
    # Run by the shell before Nextflow: managers only.
    modules = models.TextField(blank=True, max_length=LONGEST_TEXT)
    pre_run = models.TextField(blank=True, max_length=LONGEST_TEXT)
    # Names of variables of ours that Nextflow gets beside the usual ones.
    environment = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    max_concurrent = models.PositiveIntegerField(null=True, blank=True)
    # Of the head job of SLURM.
    queue = models.CharField(max_length=100, blank=True)
    account = models.CharField(max_length=100, blank=True)
    head_cpus = models.PositiveIntegerField(null=True, blank=True)
    head_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    head_time_minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Pipeline(models.Model):
    """A pipeline that staff start by its name, with what they need not choose."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True, max_length=2000)
    # org/repo, a git URL, or a directory of the host.
    source = models.CharField(max_length=1000)
    revision = models.CharField(max_length=255, blank=True)
    profile = models.CharField(max_length=255, blank=True)
    config_text = models.TextField(blank=True, max_length=LONGEST_TEXT)
    # Presets; the form begins with them.
    params = models.JSONField(default=dict, blank=True)
    # Keys of parameters that the form shows; empty: all of the schema.
    visible_params = ArrayField(
        models.CharField(max_length=200), default=list, blank=True
    )
    compute = models.ForeignKey(
        ComputeEnvironment, null=True, blank=True, on_delete=models.PROTECT
    )
    labels = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    # Who of those that may launch; none: all of them.
    groups = models.ManyToManyField(Group, blank=True)
    is_enabled = models.BooleanField(default=True)
    max_concurrent = models.PositiveIntegerField(null=True, blank=True)
    max_run_time_s = models.PositiveIntegerField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name
