"""What the answers about runs have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from turret.engine.masking import mask


@extend_schema_field(OpenApiTypes.DOUBLE)
class EpochField(serializers.Field[Any, Any, float, Any]):
    """Seconds since 1970."""

    def to_representation(self, value: datetime) -> float:
        return value.timestamp()


class MaskedField(serializers.CharField):
    """Text in which what looks like a secret is masked."""

    def to_representation(self, value: Any) -> str:
        return str(mask(super().to_representation(value)))
