"""Query parameters of the lists."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from runfolders.choices import Platform, Sequencing, State
from runfolders.models import Instrument, Runfolder, Sample
from seqhub.operations.api.filters import TimeFilter


class RunfolderFilter(filters.FilterSet):  # type: ignore[misc]
    """Several values of one parameter (`?state=ready&state=done`) mean any of
    them; several parameters mean all of them."""

    state = filters.MultipleChoiceFilter(choices=State.choices)
    sequencing = filters.MultipleChoiceFilter(choices=Sequencing.choices)
    platform = filters.MultipleChoiceFilter(choices=Platform.choices)
    instrument = filters.CharFilter(
        method="of_instrument", help_text="Serial number or name."
    )
    project = filters.CharFilter(
        method="of_project", help_text="Of the run folder or of one of its samples."
    )
    host = filters.CharFilter()
    present = filters.BooleanFilter("is_present")
    seen_after = TimeFilter("first_seen_at", "gte")
    seen_before = TimeFilter("first_seen_at", "lt")
    completed_after = TimeFilter("completed_at", "gte")
    completed_before = TimeFilter("completed_at", "lt")
    text = filters.CharFilter(
        method="with_text", help_text="In the name, flow cell, experiment or project."
    )

    class Meta:
        model = Runfolder
        fields: ClassVar[list[str]] = []

    def of_instrument(
        self, rows: QuerySet[Runfolder], name: str, value: str
    ) -> QuerySet[Runfolder]:
        found = Instrument.objects.filter(Q(serial=value) | Q(name=value))
        return rows.filter(instrument__in=found)

    def of_project(
        self, rows: QuerySet[Runfolder], name: str, value: str
    ) -> QuerySet[Runfolder]:
        samples = Sample.objects.filter(project=value)
        return rows.filter(Q(project=value) | Q(pk__in=samples.values("runfolder")))

    def with_text(
        self, rows: QuerySet[Runfolder], name: str, value: str
    ) -> QuerySet[Runfolder]:
        columns = ("name", "run_id", "flow_cell", "experiment_name", "project")
        wanted = Q()
        for column in columns:
            wanted |= Q(**{f"{column}__icontains": value})
        return rows.filter(wanted)


class SampleFilter(filters.FilterSet):  # type: ignore[misc]
    name = filters.CharFilter(
        method="called", help_text="The sample's name or id, whole."
    )
    project = filters.CharFilter()
    runfolder = filters.NumberFilter("runfolder_id", help_text="Id of a run folder.")
    text = filters.CharFilter(method="with_text", help_text="In the name or id.")

    class Meta:
        model = Sample
        fields: ClassVar[list[str]] = []

    def called(self, rows: QuerySet[Sample], name: str, value: str) -> QuerySet[Sample]:
        return rows.filter(Q(name=value) | Q(sample_id=value))

    def with_text(
        self, rows: QuerySet[Sample], name: str, value: str
    ) -> QuerySet[Sample]:
        return rows.filter(Q(name__icontains=value) | Q(sample_id__icontains=value))


class InstrumentFilter(filters.FilterSet):  # type: ignore[misc]
    serial = filters.CharFilter()
    platform = filters.MultipleChoiceFilter(choices=Platform.choices)

    class Meta:
        model = Instrument
        fields: ClassVar[list[str]] = []
