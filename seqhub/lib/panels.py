"""What an app offers to the pages that the console assembles.

Everything that a panel shows is read before its template is rendered: no
queries in templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Count as CountOf
from django.db.models import Model, QuerySet, Window
from django.http import QueryDict

from seqhub.lib.markup import Chip

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled box on a page."""

    key: str  # its id in the page
    title: str
    template: str
    content: Mapping[str, Any] = field(default_factory=dict)
    count: int | None = None
    link: str = ""  # the list that `count` counts
    # It moves: the page asks for it again every few seconds.
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """A number that leads to the list of what it counts."""

    number: int
    words: str
    link: str
    colour: str = "default"


@dataclass(frozen=True, slots=True)
class Track:
    """A stage on the rail of a run's page."""

    title: str
    chip: Chip
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a run's page; `panels` is called for the open tab only.

    It gets the page's query parameters (the tab's filters and paging).
    """

    key: str
    title: str
    panels: Callable[[QueryDict], list[Panel]]
    count: int | None = None


def first_of(rows: QuerySet[Row], most: int) -> tuple[list[Row], int]:
    """The first rows, and how many there are of them all. One query: a dashboard is
    asked for every few seconds, and has many panels."""
    counted: QuerySet[Any] = rows.annotate(rows_in_all=Window(CountOf("pk")))
    found = list(counted[:most])
    return found, found[0].rows_in_all if found else 0
