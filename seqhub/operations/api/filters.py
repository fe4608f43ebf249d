"""Query parameters of what all apps share."""

from __future__ import annotations

from typing import ClassVar

from django_filters import rest_framework as filters

from seqhub.operations.choices import Source
from seqhub.operations.models import Event


class EventFilter(filters.FilterSet):  # type: ignore[misc]
    subject = filters.CharFilter(help_text="As in `runfolder:7`.")
    runfolder = filters.NumberFilter("runfolder_ref", help_text="Id of a run folder.")
    source = filters.MultipleChoiceFilter(choices=Source.choices)
    kind = filters.CharFilter()
    actor = filters.CharFilter()
    after = filters.IsoDateTimeFilter("at", "gte")
    before = filters.IsoDateTimeFilter("at", "lt")
    text = filters.CharFilter("message", "icontains")

    class Meta:
        model = Event
        fields: ClassVar[list[str]] = []
