"""Ready-made views of a list: links with counts above it, one of them chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

# key -> (label, condition, shown even when nothing matches); "" is all.
Views = Mapping[str, tuple[str, Q, bool]]
PARAMETER = "show"


@dataclass(frozen=True, slots=True)
class View:
    """A link above the list, and how many rows it leads to."""

    label: str
    count: int
    query: str
    is_open: bool


def links_to(views: Views, rows: QuerySet[Any], chosen: str) -> list[View]:
    """The links above the list; each counts what it leads to in `rows`.

    A view starts afresh: without the search and the other filters.
    """
    numbers = rows.aggregate(
        **{
            f"in_{key}": Count("pk", filter=condition)
            for key, (_, condition, _) in views.items()
        }
    )
    return [
        View(
            label,
            numbers[f"in_{key}"],
            f"?{PARAMETER}={key}" if key else "?",
            key == chosen,
        )
        for key, (label, _, always) in views.items()
        if always or numbers[f"in_{key}"] or key == chosen
    ]


class ViewFilter(SimpleListFilter):
    """Chosen by the links above the list, not in the sheet of filters."""

    title = "view"
    parameter_name = PARAMETER
    template = "operations/no_filter.html"
    views: ClassVar[Views]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _, _) in self.views.items() if key]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        _, condition, _ = self.views.get(self.value() or "", self.views[""])
        return queryset.filter(condition)
