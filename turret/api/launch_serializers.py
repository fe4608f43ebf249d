"""Launches as JSON: the old service's names first, ours beside them.

Times are seconds since 1970, as the old service wrote them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from rest_framework import serializers

from turret.api.fields import EpochField, IdUrlField, MaskedField
from turret.api.launch_words import STATUSES, status_of
from turret.choices import LaunchState
from turret.engine.launching.files import LaunchFiles
from turret.engine.masking import mask
from turret.models import Launch

# Null, not empty, for those who may not see them.
MASKING = "What looks like a secret is masked; null for who may not see it."


# What a list shows: a row of the page has its own, and little of others.
COLUMNS = (
    *(column.name for column in Launch._meta.concrete_fields),
    "workflow__workflow_id",
    "workflow__status",
    "compute__name",
    "pipeline__name",
    "owner__username",
    "parent__workflow__workflow_id",
)


class LaunchSerializer(serializers.ModelSerializer[Launch]):
    """A start of a pipeline."""

    # Its context is what launch_context makes.
    launch_id = serializers.CharField(read_only=True)
    pipeline = MaskedField(source="source", read_only=True)
    params = serializers.SerializerMethodField(help_text=MASKING)
    status = serializers.SerializerMethodField(
        help_text=f"In the words of the old service: {', '.join(STATUSES)}."
    )
    log_path = serializers.SerializerMethodField(
        help_text="What it prints, on its host; `log` below it answers that."
    )
    submitted_at = EpochField(read_only=True)
    started_at = EpochField(read_only=True, allow_null=True)
    finished_at = EpochField(read_only=True, allow_null=True)
    state_since = EpochField(read_only=True)
    url = IdUrlField("turret-api:launch", lookup_field="launch_id")
    run = IdUrlField(
        "turret-api:run", lookup_field="launch_id", lookup_url_kwarg="workflow_id"
    )
    run_status = serializers.CharField(
        source="workflow.status", read_only=True, help_text="What Nextflow tells."
    )
    saved_pipeline = serializers.IntegerField(
        source="pipeline_id", read_only=True, allow_null=True
    )
    saved_pipeline_name = serializers.CharField(
        source="pipeline.name", read_only=True, allow_null=True, default=None
    )
    compute = serializers.CharField(source="compute.name", read_only=True)
    owner = serializers.CharField(
        source="owner.username", read_only=True, allow_null=True, default=None
    )
    parent = serializers.CharField(  # type: ignore[assignment]  # the column's name
        source="parent.launch_id",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="The launch that it was resumed from, or launched anew after.",
    )
    message = MaskedField(read_only=True)
    cancel_asked_at = EpochField(read_only=True, allow_null=True)
    cleared_at = EpochField(read_only=True, allow_null=True)

    class Meta:
        model = Launch
        fields: ClassVar = [
            "launch_id",
            "pipeline",
            "revision",
            "params",
            "profile",
            "work_dir",
            "run_name",
            "status",
            "pid",
            "exit_code",
            "log_path",
            "submitted_at",
            "started_at",
            "finished_at",
            "state",
            "state_since",
            "url",
            "run",
            "run_status",
            "code",
            "message",
            "next_step",
            "cancel_asked_at",
            "saved_pipeline",
            "saved_pipeline_name",
            "compute",
            "host",
            "job_id",
            "owner",
            "parent",
            "resumed_session",
            "labels",
            "trace",
            "project_dir",
            "launch_dir",
            "max_run_time_s",
            "size_bytes",
            "cleared_at",
        ]

    def get_params(self, launch: Launch) -> dict[str, Any] | None:
        if not self.is_shown(launch):
            return None
        masked: dict[str, Any] = mask(launch.params)
        return masked

    def get_status(self, launch: Launch) -> str:
        return status_of(launch.state)

    def get_log_path(self, launch: Launch) -> str:
        return str(LaunchFiles(Path(launch.directory)).output)

    def is_shown(self, launch: Launch) -> bool:
        """Whether what may be secret is: who launched it sent that."""
        if self.context["may_see_secrets"]:
            return True
        return bool(launch.owner_id == self.context["request"].user.pk)


class LaunchDetailSerializer(LaunchSerializer):
    """One launch."""

    config_text = serializers.SerializerMethodField(help_text=MASKING)
    command_line = serializers.SerializerMethodField(
        help_text=f"As Nextflow tells it, once it runs. {MASKING}"
    )

    class Meta(LaunchSerializer.Meta):
        fields: ClassVar = [
            *LaunchSerializer.Meta.fields,
            "config_text",
            "command_line",
        ]

    def get_config_text(self, launch: Launch) -> str | None:
        return str(mask(launch.config_text)) if self.is_shown(launch) else None

    def get_command_line(self, launch: Launch) -> str | None:
        told = launch.workflow.command_line
        return str(mask(told)) if self.is_shown(launch) else None


class NewLaunchSerializer(LaunchDetailSerializer):
    """What was launched just now."""

    # Its context has `why_unchecked`, too.
    params_checked = serializers.SerializerMethodField(
        help_text="Against the pipeline's own nextflow_schema.json."
    )
    unchecked_because = serializers.SerializerMethodField(
        help_text="Why they were not, in a sentence; else empty."
    )

    class Meta(LaunchDetailSerializer.Meta):
        fields: ClassVar = [
            *LaunchDetailSerializer.Meta.fields,
            "params_checked",
            "unchecked_because",
        ]

    def get_params_checked(self, launch: Launch) -> bool:
        return not self.context["why_unchecked"]

    def get_unchecked_because(self, launch: Launch) -> str:
        return str(self.context["why_unchecked"])


class PreviewSerializer(serializers.Serializer[dict[str, Any]]):
    """What would be run; nothing was written."""

    dry_run = serializers.BooleanField()
    argv = serializers.ListField(child=serializers.CharField())
    command = serializers.CharField(help_text="The same as one line for a shell.")
    environment = serializers.ListField(
        child=serializers.CharField(), help_text="Names of the variables that it gets."
    )
    files = serializers.DictField(
        child=serializers.CharField(), allow_null=True, help_text=MASKING
    )
    params_checked = serializers.BooleanField()
    unchecked_because = serializers.CharField(allow_blank=True)


class CancelledSerializer(serializers.Serializer[dict[str, Any]]):
    """As the old service answered it, and how far it is."""

    launch_id = serializers.CharField()
    status = serializers.CharField(help_text="`cancelled`, if it is about to be.")
    state = serializers.ChoiceField(LaunchState.choices)
