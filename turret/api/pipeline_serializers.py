"""Saved pipelines as JSON, and what callers send to change them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import Group
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from seqhub.operations.api.fields import RowSerializer
from turret.api.fields import MaskedField
from turret.api.launch_serializers import MASKING
from turret.engine.masking import mask
from turret.models import ComputeEnvironment, Pipeline
from turret.models.pipelines import LONGEST_TEXT


class PipelineSerializer(RowSerializer):
    """A saved pipeline."""

    # Its context says `may_see_secrets`.
    url = serializers.HyperlinkedIdentityField(view_name="turret-api:saved-pipeline")
    # A field of a serializer has an attribute of that name as well.
    source = MaskedField(read_only=True)  # type: ignore[assignment]
    params = serializers.SerializerMethodField(help_text=f"Presets. {MASKING}")
    config_text = serializers.SerializerMethodField(help_text=MASKING)
    compute = serializers.CharField(
        source="compute.name",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="Where it runs; null: on the host that is asked.",
    )
    groups = serializers.SerializerMethodField(
        help_text="Who of those that may launch; none: all of them."
    )
    owner = serializers.CharField(
        source="owner.username", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Pipeline
        fields: ClassVar = [
            "id",
            "url",
            "name",
            "description",
            "source",
            "revision",
            "profile",
            "config_text",
            "params",
            "visible_params",
            "compute",
            "labels",
            "groups",
            "is_enabled",
            "max_concurrent",
            "max_run_time_s",
            "owner",
            "created_at",
            "updated_at",
        ]

    def get_params(self, pipeline: Pipeline) -> dict[str, Any] | None:
        if not self.context["may_see_secrets"]:
            return None
        masked: dict[str, Any] = mask(pipeline.params)
        return masked

    def get_config_text(self, pipeline: Pipeline) -> str | None:
        if not self.context["may_see_secrets"]:
            return None
        return str(mask(pipeline.config_text))

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_groups(self, pipeline: Pipeline) -> Any:
        return sorted(group.name for group in pipeline.groups.all())


class PipelineRequestSerializer(serializers.Serializer[dict[str, Any]]):
    """What is to be saved; of a change only what changes."""

    name = serializers.CharField(max_length=100)
    description = serializers.CharField(
        max_length=2000, allow_blank=True, required=False
    )
    source = serializers.CharField(  # type: ignore[assignment]  # as above
        max_length=1000,
        help_text="`org/repo`, the address of a git repository, or a directory.",
    )
    revision = serializers.CharField(max_length=255, allow_blank=True, required=False)
    profile = serializers.CharField(max_length=255, allow_blank=True, required=False)
    config_text = serializers.CharField(
        max_length=LONGEST_TEXT, allow_blank=True, required=False
    )
    params = serializers.DictField(
        required=False, help_text="Presets: parameters and their values."
    )
    visible_params = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=2000,
        required=False,
        help_text="Parameters that the form shows; none: all of the schema.",
    )
    compute = serializers.SlugRelatedField(
        "name",
        queryset=ComputeEnvironment.objects.all(),
        allow_null=True,
        required=False,
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=50), max_length=20, required=False
    )
    groups = serializers.SlugRelatedField(
        "name", queryset=Group.objects.all(), many=True, required=False
    )
    is_enabled = serializers.BooleanField(required=False)
    max_concurrent = serializers.IntegerField(
        min_value=1, max_value=10_000, allow_null=True, required=False
    )
    max_run_time_s = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, allow_null=True, required=False
    )
