"""The ready-made views of the list of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from runfolders.choices import IN_FLIGHT, RootStatus, Sequencing, State
from runfolders.models import Runfolder
from runfolders.selectors import open_holds
from seqhub.operations.selectors import open_attention

VISIBLE = Q(root__is_configured=True, ignored_at=None)

# key -> (label, condition, shown even when nothing matches)
VIEWS: dict[str, tuple[str, Q, bool]] = {
    "": ("All", VISIBLE, True),
    "attention": ("Needs attention", VISIBLE & Q(needs_attention=True), True),
    "in_flight": (
        "In flight",
        VISIBLE & Q(is_present=True, sequencing__in=sorted(IN_FLIGHT)),
        True,
    ),
    "ready": (
        "Ready",
        VISIBLE & Q(state=State.READY, root__status=RootStatus.AVAILABLE),
        True,
    ),
    "clients": (
        "With clients",
        VISIBLE & Q(state__in=[State.PENDING, State.STARTED]),
        True,
    ),
    "done": ("Done", VISIBLE & Q(state=State.DONE), True),
    "held": ("On hold", VISIBLE & Q(is_held=True), False),
    "error": ("Error", VISIBLE & Q(state=State.ERROR), False),
    "failed": ("Failed", VISIBLE & Q(sequencing=Sequencing.FAILED), False),
    "vanished": ("Vanished", VISIBLE & Q(sequencing=Sequencing.VANISHED), False),
    "ignored": ("Ignored", Q(ignored_at__isnull=False), False),
    "hidden": (
        "Root not watched",
        Q(ignored_at=None, root__is_configured=False),
        False,
    ),
}


def annotated(rows: QuerySet[Runfolder]) -> QuerySet[Any]:
    """Each run with `needs_attention` and `is_held`."""
    return rows.annotate(
        needs_attention=Exists(open_attention().filter(runfolder_ref=OuterRef("pk"))),
        is_held=Exists(open_holds().filter(runfolder=OuterRef("pk"))),
    )


@dataclass(frozen=True, slots=True)
class View:
    """A ready-made view as a link with its count."""

    label: str
    count: int
    query: str
    is_open: bool


def views(chosen: str) -> list[View]:
    """The links above the list; each counts what it leads to.

    A view starts afresh: without the search and the other filters.
    """
    numbers = annotated(Runfolder.objects.all()).aggregate(
        **{
            f"in_{key}": Count("pk", filter=condition)
            for key, (_, condition, _) in VIEWS.items()
        }
    )
    return [
        View(
            label,
            numbers[f"in_{key}"],
            f"?{ShowFilter.parameter_name}={key}" if key else "?",
            key == chosen,
        )
        for key, (label, _, always) in VIEWS.items()
        if always or numbers[f"in_{key}"] or key == chosen
    ]


class ShowFilter(SimpleListFilter):
    """Chosen by the links above the list, not in the sheet of filters."""

    title = "view"
    parameter_name = "show"
    template = "runfolders/no_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _, _) in VIEWS.items() if key]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Runfolder]
    ) -> QuerySet[Runfolder]:
        _, condition, _ = VIEWS.get(self.value() or "", VIEWS[""])
        return queryset.filter(condition)
