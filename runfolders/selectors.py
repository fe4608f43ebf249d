"""Reads that more than one door needs."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from runfolders.choices import Sequencing, State
from runfolders.models import Hold, Runfolder


def visible_runfolders() -> QuerySet[Runfolder]:
    """All that lists show: known by the configuration, not ignored."""
    return Runfolder.objects.filter(root__is_configured=True, ignored_at=None)


def present_runfolders(host: str) -> QuerySet[Runfolder]:
    """What `/api/1.0` of a host answers for: on its disks, not ignored."""
    return visible_runfolders().filter(host=host, is_present=True)


def open_holds() -> QuerySet[Hold]:
    return Hold.objects.filter(released_at=None)


def with_hold(rows: QuerySet[Runfolder]) -> QuerySet[Any]:
    """Each Runfolder with `is_held`, which the model's type does not know."""
    held = open_holds().filter(runfolder=OuterRef("pk"))
    return rows.annotate(is_held=Exists(held))


def next_ready(host: str) -> QuerySet[Runfolder]:
    """Ready run folders that nothing holds, first completed first."""
    return (
        present_runfolders(host)
        .filter(state=State.READY)
        .exclude(sequencing=Sequencing.VANISHED)
        .filter(~Exists(open_holds().filter(runfolder=OuterRef("pk"))))
        .order_by("completed_at", "id")
    )


def in_flight() -> QuerySet[Runfolder]:
    """Runs that are being written or settle."""
    return visible_runfolders().filter(
        is_present=True, sequencing__in=[Sequencing.SEQUENCING, Sequencing.SETTLING]
    )
