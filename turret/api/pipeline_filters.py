"""Query parameters of the list of saved pipelines."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from turret.models import Pipeline


class PipelineFilter(filters.FilterSet):  # type: ignore[misc]
    name = filters.CharFilter()
    source = filters.CharFilter()
    compute = filters.CharFilter("compute__name", help_text="Where it runs.")
    label = filters.CharFilter(method="by_label")
    enabled = filters.BooleanFilter("is_enabled")
    text = filters.CharFilter(
        method="by_text", help_text="In the name, description or source."
    )

    class Meta:
        model = Pipeline
        fields: ClassVar[list[str]] = []

    def by_label(
        self, rows: QuerySet[Pipeline], name: str, value: str
    ) -> QuerySet[Pipeline]:
        return rows.filter(labels__contains=[value])

    def by_text(
        self, rows: QuerySet[Pipeline], name: str, value: str
    ) -> QuerySet[Pipeline]:
        wanted = Q()
        for column in ("name", "description", "source"):
            wanted |= Q(**{f"{column}__icontains": value})
        return rows.filter(wanted)
