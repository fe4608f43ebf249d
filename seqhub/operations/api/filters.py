"""Query parameters of what all apps share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField

from seqhub.operations.choices import Source
from seqhub.operations.models import Event


class _TimeField(IsoDateTimeField):  # type: ignore[misc]
    def to_python(self, value: Any) -> datetime | None:
        time: datetime | None = super().to_python(value)
        try:
            return time and time.astimezone(UTC)
        except OverflowError:
            message = self.error_messages["invalid"]
            raise ValidationError(message, code="invalid") from None


class TimeFilter(filters.IsoDateTimeFilter):  # type: ignore[misc]
    """A time with any offset; PostgreSQL itself takes none above 16 hours."""

    field_class = _TimeField


class EventFilter(filters.FilterSet):  # type: ignore[misc]
    subject = filters.CharFilter(help_text="As in `runfolder:7`.")
    runfolder = filters.NumberFilter("runfolder_ref", help_text="Id of a run folder.")
    source = filters.MultipleChoiceFilter(choices=Source.choices)
    kind = filters.CharFilter()
    actor = filters.CharFilter()
    after = TimeFilter("at", "gte")
    before = TimeFilter("at", "lt")
    text = filters.CharFilter("message", "icontains")

    class Meta:
        model = Event
        fields: ClassVar[list[str]] = []
