"""Nextflow runs as they were traced: workflows, their processes and tasks."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from runfolders.models import Runfolder
from turret.choices import Status, TaskStatus


class Counters(models.Model):
    """Tasks by state as Nextflow counts them; snapshots, never added up.

    `failed` holds those that were retried or ignored, too.
    """

    pending = models.BigIntegerField(default=0)
    submitted = models.BigIntegerField(default=0)
    running = models.BigIntegerField(default=0)
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    cached = models.BigIntegerField(default=0)
    ignored = models.BigIntegerField(default=0)
    retries = models.BigIntegerField(default=0)
    aborted = models.BigIntegerField(default=0)
    load_cpus = models.BigIntegerField(default=0)
    load_memory_bytes = models.BigIntegerField(default=0)
    peak_running = models.BigIntegerField(default=0)
    peak_cpus = models.BigIntegerField(default=0)
    peak_memory_bytes = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class Workflow(Counters):
    """One `nextflow run`, ours or not.

    A resumed one is another workflow of the same session. Times of the client's
    clock are `started_at` and `completed_at`; all others are ours.
    """

    # In URLs and on the wire; at most 16 characters unless it was imported.
    workflow_id = models.CharField(max_length=255, unique=True)
    # SHA-256 of what makes a create the same one; null: not from a create.
    create_key = models.CharField(max_length=64, null=True, unique=True, editable=False)
    # Whoever made it may go on with it, also when the token is revoked meanwhile.
    # Empty: an open network did.
    token_digest = models.CharField(max_length=64, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="workflows",
    )
    runfolder = models.ForeignKey(
        Runfolder, null=True, on_delete=models.SET_NULL, related_name="workflows"
    )
    workspace_id = models.BigIntegerField(null=True)
    session_id = models.CharField(max_length=255, blank=True)
    run_name = models.CharField(max_length=255, blank=True)
    batch_id = models.CharField(max_length=255, blank=True)
    labels = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    client = models.CharField(
        max_length=200, blank=True
    )  # User-Agent, "Nextflow/25.04.4"
    address = models.CharField(max_length=64, blank=True)

    status = models.CharField(
        max_length=20, choices=Status.choices, default=Status.SUBMITTED
    )
    status_since = models.DateTimeField()
    stalled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # `complete` has come
    last_seen_at = models.DateTimeField()
    # ms since 1970 of the client's clock; the counters are as of then.
    progress_instant = models.BigIntegerField(null=True)
    # Its scripts, or its tasks, have gone by age.
    scripts_pruned_at = models.DateTimeField(null=True)
    tasks_pruned_at = models.DateTimeField(null=True)

    project_name = models.TextField(blank=True)
    repository = models.TextField(blank=True)
    script_id = models.TextField(blank=True)
    script_name = models.TextField(blank=True)
    script_file = models.TextField(blank=True)
    commit_id = models.TextField(blank=True)
    revision = models.TextField(blank=True)
    profile = models.TextField(blank=True)
    user_name = models.TextField(blank=True)  # of the operating system
    command_line = models.TextField(blank=True)
    container = models.TextField(blank=True)
    container_engine = models.TextField(blank=True)
    launch_dir = models.TextField(blank=True)
    work_dir = models.TextField(blank=True)
    project_dir = models.TextField(blank=True)
    output_dir = models.TextField(blank=True)
    home_dir = models.TextField(blank=True)
    nextflow_version = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    resume = models.BooleanField(null=True)
    stub_run = models.BooleanField(null=True)
    preview = models.BooleanField(null=True)
    fail_on_ignore = models.BooleanField(null=True)
    success = models.BooleanField(null=True)
    exit_status = models.BigIntegerField(null=True)
    error_message = models.TextField(blank=True)
    error_report = models.TextField(blank=True)
    # Large, and never in lists (selectors.HEAVY).
    config_files = models.JSONField(null=True)
    config_text = models.TextField(blank=True)
    params = models.JSONField(null=True)
    manifest = models.JSONField(null=True)
    stats = models.JSONField(null=True)
    metrics = models.JSONField(null=True)
    dag = models.JSONField(null=True)
    process_names = models.JSONField(default=list)
    containers = models.JSONField(default=list)
    extra = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        permissions: ClassVar = [
            ("operate_workflow", "Can label, link, assign and mark workflows"),
            ("see_secrets_workflow", "Can see parameters, configuration, environment"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["status", "-created_at"]),
            models.Index(fields=["status_since"]),  # what is new today
            models.Index(fields=["session_id"]),
            models.Index(fields=["run_name"]),
            models.Index(fields=["batch_id"]),
        ]

    def __str__(self) -> str:
        return self.run_name or self.workflow_id

    @property
    def subject(self) -> str:
        """How events and attention name it."""
        return f"workflow:{self.pk}"

    @property
    def run(self) -> tuple[int, str] | None:
        """How events name its run folder."""
        if self.runfolder is None:
            return None
        return self.runfolder.pk, self.runfolder.name


class WorkflowProcess(Counters):
    """A process of a workflow, by its fully qualified name."""

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="processes"
    )
    name = models.CharField(max_length=600)
    index = models.IntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    terminated = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["index", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workflow", "name"], name="workflowprocess_once_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class WorkflowTask(models.Model):
    """A task; the columns are engine.records.Task's, in its units.

    `instant` is that of the body that was applied last (client's clock, ms).
    """

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="tasks", db_index=False
    )
    task_id = models.BigIntegerField()
    status = models.CharField(max_length=20, choices=TaskStatus.choices)
    instant = models.BigIntegerField(default=0)
    hash = models.TextField(blank=True)
    name = models.TextField(blank=True)
    process = models.TextField(blank=True)
    tag = models.TextField(blank=True)
    exit = models.BigIntegerField(null=True)
    submitted_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    duration_ms = models.BigIntegerField(null=True)
    realtime_ms = models.BigIntegerField(null=True)
    pcpu = models.FloatField(null=True)
    pmem = models.FloatField(null=True)
    rss_bytes = models.BigIntegerField(null=True)
    vmem_bytes = models.BigIntegerField(null=True)
    peak_rss_bytes = models.BigIntegerField(null=True)
    peak_vmem_bytes = models.BigIntegerField(null=True)
    rchar = models.BigIntegerField(null=True)
    wchar = models.BigIntegerField(null=True)
    read_bytes = models.BigIntegerField(null=True)
    write_bytes = models.BigIntegerField(null=True)
    syscr = models.BigIntegerField(null=True)
    syscw = models.BigIntegerField(null=True)
    vol_ctxt = models.BigIntegerField(null=True)
    inv_ctxt = models.BigIntegerField(null=True)
    cpu_model = models.TextField(blank=True)
    attempt = models.BigIntegerField(null=True)
    cpus = models.BigIntegerField(null=True)
    memory_bytes = models.BigIntegerField(null=True)
    disk_bytes = models.BigIntegerField(null=True)
    time_ms = models.BigIntegerField(null=True)
    workdir = models.TextField(blank=True)
    queue = models.TextField(blank=True)
    container = models.TextField(blank=True)
    hostname = models.TextField(blank=True)
    script = models.TextField(blank=True)
    scratch = models.TextField(blank=True)
    module = models.TextField(blank=True)
    env = models.TextField(blank=True)
    error_action = models.CharField(max_length=20, blank=True)
    native_id = models.TextField(blank=True)
    executor = models.TextField(blank=True)
    # Keys without a column; null: there were none.
    extra = models.JSONField(null=True)

    class Meta:
        ordering: ClassVar = ["task_id"]
        constraints: ClassVar = [
            # Serves the look-ups by workflow, too.
            models.UniqueConstraint(
                fields=["workflow", "task_id"], name="workflowtask_once_per_id"
            )
        ]

    def __str__(self) -> str:
        return self.name or f"task {self.task_id}"
