"""What answers of all apps have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers


class UtcField(serializers.DateTimeField):
    """`2026-01-31T12:00:00.123456+00:00`, as dataflow_archive wrote its times."""

    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat()


class RowSerializer(serializers.ModelSerializer[Any]):
    """A row whose times are in UTC whatever the time zone of the site."""

    serializer_field_mapping: ClassVar[dict[Any, Any]] = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: UtcField,
    }
