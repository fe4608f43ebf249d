"""What the answers about runs have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from turret.engine.masking import mask


@extend_schema_field(OpenApiTypes.DOUBLE)
class EpochField(serializers.Field[Any, Any, float, Any]):
    """Seconds since 1970."""

    def to_representation(self, value: datetime) -> float:
        return value.timestamp()


class IdUrlField(serializers.HyperlinkedIdentityField):
    """A page by an id; null for an imported one that can't stand in a path (`a/b`)."""

    def __init__(self, view_name: str, **options: Any) -> None:
        super().__init__(view_name=view_name, allow_null=True, **options)

    def get_url(self, obj: Any, *args: Any) -> str | None:
        try:
            return super().get_url(obj, *args)
        except NoReverseMatch:
            return None


class RunUrlField(IdUrlField):
    """The run itself."""

    def __init__(self) -> None:
        super().__init__("turret-api:run", lookup_field="workflow_id")


class MaskedField(serializers.CharField):
    """Text in which what looks like a secret is masked."""

    def to_representation(self, value: Any) -> str:
        return str(mask(super().to_representation(value)))
