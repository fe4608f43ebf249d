"""Reads that more than one door needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from runfolders.choices import IN_FLIGHT, RootStatus, Sequencing, State
from runfolders.models import Hold, Runfolder, Sample
from seqhub.operations.models import Event


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
    """Ready run folders that nothing holds, first completed first.

    Ready because complete counts only while it is: not while the folder can't be
    read. What a client made ready is offered whatever the disk shows, as Arteria
    does. None on a disk that is not mounted: nobody could work on it.
    """
    return (
        present_runfolders(host)
        .filter(state=State.READY, root__status=RootStatus.AVAILABLE)
        .filter(Q(sequencing=Sequencing.COMPLETE) | Q(is_state_ours=False))
        .filter(~Exists(open_holds().filter(runfolder=OuterRef("pk"))))
        .order_by("completed_at", "id")
    )


def in_flight() -> QuerySet[Runfolder]:
    """Runs that are being written or settle."""
    return visible_runfolders().filter(
        is_present=True, sequencing__in=sorted(IN_FLIGHT)
    )


def open_hold(runfolder_id: int) -> Hold | None:
    """What holds the run folder, if anything does."""
    return open_holds().filter(runfolder_id=runfolder_id).first()


def count_samples(runs: Iterable[Runfolder]) -> dict[int, int]:
    """Run folder id -> rows of its sample sheet; runs without samples are missing.

    For a page of runs: counted in the query that sorts them, every run's would be.
    """
    rows = Sample.objects.filter(runfolder__in=list(runs)).order_by()
    counted = rows.values_list("runfolder_id").annotate(count=Count("pk"))
    return dict(counted.values_list("runfolder_id", "count"))


def usual_settling_s(instrument_id: int | None) -> tuple[float, float] | None:
    """How long the last runs of an instrument took from settling to complete.

    Shortest and longest of the last ten, in seconds; None for fewer than three.
    """
    if instrument_id is None:
        return None
    recent = (
        Runfolder.objects.filter(
            instrument_id=instrument_id, sequencing=Sequencing.COMPLETE
        )
        .order_by("-completed_at")
        .values_list("pk", flat=True)[:10]
    )
    changes = Event.objects.filter(
        kind="sequencing_changed",
        runfolder_ref__in=list(recent),
        data__to__in=[Sequencing.SETTLING, Sequencing.COMPLETE],
    ).order_by("at", "id")
    began: dict[int | None, dt.datetime] = {}
    took: list[float] = []
    for ref, to, at in changes.values_list("runfolder_ref", "data__to", "at"):
        if to == Sequencing.SETTLING:
            began[ref] = at
        elif start := began.pop(ref, None):
            took.append((at - start).total_seconds())
    return (min(took), max(took)) if len(took) >= 3 else None
