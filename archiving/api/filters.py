"""Query parameters of the lists."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from archiving.choices import RestoreState, Status, Verified
from archiving.models import ArchiveJob, Recipient, Restore
from archiving.selectors import find_jobs
from seqhub.operations.api.filters import TimeFilter

RUN_HELP = "A run's name, `sequencer/run`, its path, or the archive's name."


class Ordering(filters.OrderingFilter):  # type: ignore[misc]
    """Equal rows stand newest first, so that pages never overlap."""

    def filter(self, rows: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        rows = super().filter(rows, value)
        return rows.order_by(*rows.query.order_by, "-id") if value else rows


class ArchiveFilter(filters.FilterSet):  # type: ignore[misc]
    """Several values of one parameter (`?status=pending&status=failed`) mean any
    of them; several parameters mean all of them."""

    status = filters.MultipleChoiceFilter(choices=Status.choices)
    verification = filters.MultipleChoiceFilter(choices=Verified.choices)
    run = filters.CharFilter(method="of_run", help_text=RUN_HELP)
    runfolder = filters.NumberFilter("runfolder_id", help_text="Id of a run folder.")
    sequencer = filters.CharFilter()
    host = filters.CharFilter()
    held = filters.BooleanFilter("held_at", "isnull", exclude=True)
    code = filters.CharFilter(help_text="Why it failed, or what it waits for.")
    recipient = filters.CharFilter(
        method="opened_by", help_text="Fingerprint of a key that opens it."
    )
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")
    updated_after = TimeFilter("updated_at", "gte")
    updated_before = TimeFilter("updated_at", "lt")
    sealed_after = TimeFilter("sealed_at", "gte")
    sealed_before = TimeFilter("sealed_at", "lt")
    q = filters.CharFilter(
        method="with_words", help_text="In the run's name, path or message."
    )
    ordering = Ordering(
        fields=("created_at", "updated_at", "sealed_at", "run_name", "archive_bytes")
    )

    class Meta:
        model = ArchiveJob
        fields: ClassVar[list[str]] = []

    def of_run(
        self, rows: QuerySet[ArchiveJob], name: str, value: str
    ) -> QuerySet[ArchiveJob]:
        return rows.filter(pk__in=find_jobs(value).order_by().values("pk"))

    def opened_by(
        self, rows: QuerySet[ArchiveJob], name: str, value: str
    ) -> QuerySet[ArchiveJob]:
        keys = Recipient.objects.filter(fingerprint__iexact=value)
        return rows.filter(pk__in=keys.values("jobs"))

    def with_words(
        self, rows: QuerySet[ArchiveJob], name: str, value: str
    ) -> QuerySet[ArchiveJob]:
        wanted = Q()
        for column in ("name", "run_name", "path", "message"):
            wanted |= Q(**{f"{column}__icontains": value})
        return rows.filter(wanted)


class RestoreFilter(filters.FilterSet):  # type: ignore[misc]
    state = filters.MultipleChoiceFilter(choices=RestoreState.choices)
    archive = filters.NumberFilter("job_id", help_text="Id of an archive.")
    run = filters.CharFilter(method="of_run", help_text=RUN_HELP)
    host = filters.CharFilter()
    requested_by = filters.CharFilter()
    requested_after = TimeFilter("requested_at", "gte")
    requested_before = TimeFilter("requested_at", "lt")

    class Meta:
        model = Restore
        fields: ClassVar[list[str]] = []

    def of_run(
        self, rows: QuerySet[Restore], name: str, value: str
    ) -> QuerySet[Restore]:
        return rows.filter(job__in=find_jobs(value).order_by().values("pk"))


class RecipientFilter(filters.FilterSet):  # type: ignore[misc]
    configured = filters.BooleanFilter("is_configured")
    problem = filters.CharFilter(help_text="What the last check found.")

    class Meta:
        model = Recipient
        fields: ClassVar[list[str]] = []
