"""The ready-made views of the list of runs."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from runfolders.choices import IN_FLIGHT, RootStatus, Sequencing, State
from runfolders.models import Runfolder
from runfolders.selectors import open_holds
from seqhub.operations.admin.views import View, ViewFilter, Views, links_to
from seqhub.operations.selectors import open_attention

VISIBLE = Q(root__is_configured=True, ignored_at=None)

VIEWS: Views = {
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


def views(chosen: str) -> list[View]:
    return links_to(VIEWS, annotated(Runfolder.objects.all()), chosen)


class ShowFilter(ViewFilter):
    views = VIEWS
