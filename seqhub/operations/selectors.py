"""Reads that more than one door needs."""

from __future__ import annotations

from django.db.models import QuerySet

from seqhub.operations.models import Attention, Event


def open_attention() -> QuerySet[Attention]:
    """What a person should look at and has not set aside, newest first."""
    return Attention.objects.filter(ignored_at=None)


def events_of_runfolder(runfolder_id: int) -> QuerySet[Event]:
    """The history of a run folder, newest first."""
    return Event.objects.filter(runfolder_ref=runfolder_id)
