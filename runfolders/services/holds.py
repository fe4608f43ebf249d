"""Holds: nothing automatic happens to a held run."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runfolders.models import Hold
from runfolders.services.history import record
from runfolders.services.states import lock_runfolder
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.events import Actor


@transaction.atomic
def hold(runfolder_id: int, *, actor: Actor, reason: str) -> Hold:
    """Raises IllegalTransition if it is held, RunfolderNotFound."""
    runfolder = lock_runfolder(runfolder_id)
    if runfolder.holds.filter(released_at=None).exists():
        raise IllegalTransition(f"{runfolder.name} is on hold already.")
    row = Hold.objects.create(
        runfolder=runfolder,
        reason=reason,
        held_by=actor.name,
        held_at=timezone.now(),
    )
    record(
        runfolder,
        "held",
        f"Put on hold. {reason}",
        actor=actor,
    )
    return row


@transaction.atomic
def release(runfolder_id: int, *, actor: Actor, reason: str = "") -> None:
    """Raises IllegalTransition if nothing holds it, RunfolderNotFound."""
    runfolder = lock_runfolder(runfolder_id)
    row = runfolder.holds.filter(released_at=None).first()
    if row is None:
        raise IllegalTransition(f"{runfolder.name} is not on hold.")
    row.released_at = timezone.now()
    row.released_by = actor.name
    row.save(update_fields=["released_at", "released_by"])
    record(
        runfolder,
        "released",
        f"Released from hold. {reason}",
        actor=actor,
    )
