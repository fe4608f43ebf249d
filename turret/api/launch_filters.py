"""Query parameters of the list of launches."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from seqhub.operations.api.filters import TimeFilter
from turret.api.launch_words import STATUSES, states_of
from turret.choices import LaunchState
from turret.models import Launch

_NAMES = (
    "run_name",
    "source",
    "workflow__workflow_id",
    "pipeline__name",
    "owner__username",
)


class LaunchFilter(filters.FilterSet):  # type: ignore[misc]
    """Several values of one parameter (`?state=failed&state=lost`) mean any of them;
    several parameters mean all of them."""

    state = filters.MultipleChoiceFilter(choices=LaunchState.choices)
    status = filters.MultipleChoiceFilter(
        choices=[(word, word) for word in STATUSES],
        method="by_status",
        help_text="In the words of the old service.",
    )
    user = filters.CharFilter("owner__username", help_text="Who launched it.")
    pipeline = filters.CharFilter(
        method="by_pipeline", help_text="What was launched: its source, or the end."
    )
    saved_pipeline = filters.NumberFilter("pipeline_id", help_text="Its id.")
    compute = filters.CharFilter("compute__name", help_text="Where it runs.")
    host = filters.CharFilter(help_text="Whose queue starts it and watches it.")
    parent = filters.CharFilter(
        "parent__workflow__workflow_id",
        help_text="Id of the launch that it was resumed from or launched anew after.",
    )
    runfolder = filters.NumberFilter(
        "workflow__runfolder_id", help_text="Id of a run folder."
    )
    batch_id = filters.CharFilter("workflow__batch_id")
    run_name = filters.CharFilter()
    session = filters.CharFilter(
        "workflow__session_id", help_text="Resumed runs share it."
    )
    label = filters.CharFilter(method="by_label")
    code = filters.CharFilter(help_text="Why it waits, or ended as it did.")
    submitted_after = TimeFilter("submitted_at", "gte")
    submitted_before = TimeFilter("submitted_at", "lt")
    finished_after = TimeFilter("finished_at", "gte")
    finished_before = TimeFilter("finished_at", "lt")
    text = filters.CharFilter(
        method="by_text",
        help_text="Words in the names of the run, its pipeline, owner and labels.",
    )

    class Meta:
        model = Launch
        fields: ClassVar[list[str]] = []

    def by_status(
        self, rows: QuerySet[Launch], name: str, value: list[str]
    ) -> QuerySet[Launch]:
        states = [state for word in value for state in states_of(word)]
        return rows.filter(state__in=states) if value else rows

    def by_pipeline(
        self, rows: QuerySet[Launch], name: str, value: str
    ) -> QuerySet[Launch]:
        return rows.filter(Q(source=value) | Q(source__endswith=f"/{value}"))

    def by_label(
        self, rows: QuerySet[Launch], name: str, value: str
    ) -> QuerySet[Launch]:
        return rows.filter(labels__contains=[value])

    def by_text(
        self, rows: QuerySet[Launch], name: str, value: str
    ) -> QuerySet[Launch]:
        for word in value.split():
            wanted = Q(labels__contains=[word[:50]])
            for column in _NAMES:
                wanted |= Q(**{f"{column}__icontains": word})
            rows = rows.filter(wanted)
        return rows
