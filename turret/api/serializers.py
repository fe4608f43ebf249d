"""Runs as JSON: the old service's names first, ours beside them.

Their times are seconds since 1970, as the old service wrote them; those of tasks are
texts, as everywhere else here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request

from seqhub.operations.api.fields import RowSerializer
from turret.api.fields import EpochField, MaskedField, RunUrlField
from turret.api.rows import (
    failures_of,
    is_over,
    is_stalled,
    processes_of,
    shown_counters,
)
from turret.engine.masking import mask
from turret.engine.records import Counters
from turret.engine.shapes import (
    COUNT_KEYS,
    FAILURE_KEYS,
    NOTHING_AT_THE_END,
    PROCESS_KEYS,
    RESOURCE_KEYS,
    keyed,
    task_counts,
)
from turret.models import Workflow, WorkflowProcess
from turret.selectors import progress_of

# For the OpenAPI document only: hundreds of runs are a page, and each serializer in
# another costs as much as the rest of its run.
_COUNTS = inline_serializer(
    "RunTaskCounts", {key: serializers.IntegerField() for key in COUNT_KEYS}
)
_RESOURCES = inline_serializer(
    "RunResources", {key: serializers.IntegerField() for key in RESOURCE_KEYS}
)
_PROCESS = inline_serializer(
    "RunProcess",
    {key: serializers.IntegerField() for key in PROCESS_KEYS}
    | {"name": serializers.CharField(), "terminated": serializers.BooleanField()},
    many=True,
)
_FAILURE = inline_serializer(
    "RunFailure",
    {key: serializers.CharField() for key in FAILURE_KEYS}
    | {
        "taskId": serializers.IntegerField(),
        "tag": serializers.CharField(allow_null=True),
        "exit": serializers.IntegerField(allow_null=True),
    },
    many=True,
)


class WorkflowSerializer(serializers.ModelSerializer[Workflow]):
    """A run of Nextflow."""

    # Its context is what run_context makes.
    task_counts = serializers.SerializerMethodField()
    processes = serializers.SerializerMethodField()
    resources = serializers.SerializerMethodField()
    failures = serializers.SerializerMethodField(
        help_text="The last fifty tasks that failed."
    )
    complete = serializers.SerializerMethodField(
        help_text="It has ended; `status` says how."
    )
    stalled = serializers.SerializerMethodField(
        help_text="It has not ended, and nothing was heard of it for some time."
    )
    done = serializers.SerializerMethodField(help_text="Succeeded or cached.")
    total = serializers.SerializerMethodField(
        help_text="Tasks; several attempts are one."
    )
    pct = serializers.SerializerMethodField(
        help_text="How many have settled, ignored failures among them; 100 once it "
        "has ended."
    )
    started_at = EpochField(source="created_at", read_only=True)
    updated_at = EpochField(source="last_seen_at", read_only=True)
    url = RunUrlField()
    status_since = EpochField(read_only=True)
    stalled_at = EpochField(read_only=True, allow_null=True)
    begun_at = EpochField(read_only=True, allow_null=True)
    ended_at = EpochField(read_only=True, allow_null=True)
    owner = serializers.CharField(
        source="owner.username", read_only=True, allow_null=True, default=None
    )
    runfolder = serializers.IntegerField(
        source="runfolder_id", read_only=True, allow_null=True
    )
    error_message = MaskedField(read_only=True)

    class Meta:
        model = Workflow
        fields: ClassVar = [
            "workflow_id",
            "batch_id",
            "run_name",
            "task_counts",
            "processes",
            "resources",
            "failures",
            "complete",
            "stalled",
            "done",
            "total",
            "pct",
            "started_at",
            "updated_at",
            "status",
            "url",
            "status_since",
            "stalled_at",
            "begun_at",
            "ended_at",
            "duration_ms",
            "ignored",
            "retries",
            "session_id",
            "resume",
            "owner",
            "user_name",
            "labels",
            "runfolder",
            "workspace_id",
            "project_name",
            "repository",
            "revision",
            "nextflow_version",
            "success",
            "exit_status",
            "error_message",
        ]

    @extend_schema_field(_COUNTS)
    def get_task_counts(self, workflow: Workflow) -> Any:
        return task_counts(_counters(workflow))

    @extend_schema_field(_PROCESS)
    def get_processes(self, workflow: Workflow) -> Any:
        return self.context["processes"].get(workflow.pk, [])

    @extend_schema_field(_RESOURCES)
    def get_resources(self, workflow: Workflow) -> Any:
        return keyed(RESOURCE_KEYS, _counters(workflow))

    @extend_schema_field(_FAILURE)
    def get_failures(self, workflow: Workflow) -> Any:
        return self.context["failures"].get(workflow.pk, [])

    def get_complete(self, workflow: Workflow) -> bool:
        return is_over(workflow)

    def get_stalled(self, workflow: Workflow) -> bool:
        return is_stalled(workflow)

    def get_done(self, workflow: Workflow) -> int:
        return workflow.succeeded + workflow.cached

    def get_total(self, workflow: Workflow) -> int:
        return progress_of(workflow).total

    def get_pct(self, workflow: Workflow) -> int:
        return progress_of(workflow).percent


def _counters(workflow: Workflow) -> Counters:
    return shown_counters(workflow, over=is_over(workflow))


def run_context(request: Request, workflows: Sequence[Workflow]) -> dict[str, Any]:
    """What their serializer needs; two queries, however many they are."""
    return {
        "request": request,
        "processes": processes_of(workflows),
        "failures": failures_of(workflows),
    }


class SessionRunSerializer(serializers.ModelSerializer[Workflow]):
    """A run of the same session."""

    url = RunUrlField()
    started_at = EpochField(source="created_at", read_only=True)

    class Meta:
        model = Workflow
        fields: ClassVar = ["workflow_id", "run_name", "status", "url", "started_at"]


class WorkflowDetailSerializer(WorkflowSerializer):
    """One run. Its parameters and configuration are at `config` below it."""

    # Its context has `chain` and `may_see_secrets`, too.

    error_report = MaskedField(read_only=True)
    command_line = serializers.SerializerMethodField(
        help_text="What looks like a secret is masked; null for who may not see it."
    )
    containers = serializers.SerializerMethodField(
        help_text="Images that Wave made for it, as Nextflow tells of them."
    )
    extra = serializers.SerializerMethodField(
        help_text="What Nextflow says beyond that, by its own names."
    )
    resume_chain = serializers.SerializerMethodField(
        help_text="Runs of its session, the first one first."
    )

    class Meta(WorkflowSerializer.Meta):
        fields: ClassVar = [
            *WorkflowSerializer.Meta.fields,
            "error_report",
            "command_line",
            "script_name",
            "script_file",
            "commit_id",
            "profile",
            "container",
            "container_engine",
            "launch_dir",
            "work_dir",
            "project_dir",
            "output_dir",
            "stub_run",
            "preview",
            "fail_on_ignore",
            "manifest",
            "stats",
            "client",
            "containers",
            "extra",
            "scripts_pruned",
            "tasks_pruned",
            "resume_chain",
        ]

    scripts_pruned = serializers.SerializerMethodField(
        help_text="Scripts and environments of its tasks have gone by age."
    )
    tasks_pruned = serializers.SerializerMethodField(
        help_text="Its tasks have gone by age; the counts stay."
    )

    def get_command_line(self, workflow: Workflow) -> str | None:
        if not self.context["may_see_secrets"]:
            return None
        return str(mask(workflow.command_line))

    def get_containers(self, workflow: Workflow) -> list[dict[str, Any]]:
        masked: list[dict[str, Any]] = mask(workflow.containers)
        return masked

    def get_extra(self, workflow: Workflow) -> dict[str, Any]:
        masked: dict[str, Any] = mask(workflow.extra)
        return masked

    def get_scripts_pruned(self, workflow: Workflow) -> bool:
        return workflow.scripts_pruned_at is not None

    def get_tasks_pruned(self, workflow: Workflow) -> bool:
        return workflow.tasks_pruned_at is not None

    @extend_schema_field(SessionRunSerializer(many=True))
    def get_resume_chain(self, workflow: Workflow) -> Any:
        chain = self.context["chain"]
        return SessionRunSerializer(chain, many=True, context=self.context).data


class RunConfigSerializer(serializers.Serializer[dict[str, Any]]):
    """What a run was started with; what looks like a secret is masked."""

    params = serializers.JSONField(allow_null=True)
    config_files = serializers.ListField(child=serializers.CharField(), allow_null=True)
    config_text = serializers.CharField()


class ProcessSerializer(RowSerializer):
    """A process of a run."""

    class Meta:
        model = WorkflowProcess
        fields: ClassVar = [
            "name",
            "index",
            "pending",
            "submitted",
            "running",
            "succeeded",
            "cached",
            "failed",
            "ignored",
            "retries",
            "aborted",
            "stored",
            "terminated",
            "load_cpus",
            "load_memory_bytes",
            "peak_running",
            "peak_cpus",
            "peak_memory_bytes",
        ]

    def to_representation(self, instance: WorkflowProcess) -> dict[str, Any]:
        row = super().to_representation(instance)
        if is_over(instance.workflow):
            row |= dict.fromkeys(NOTHING_AT_THE_END, 0)
        return row
