"""Taking run folders out of sight, and forgetting the ones that are gone."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runfolders.errors import RunfolderPresent
from runfolders.services.history import record
from runfolders.services.states import lock_runfolder
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.attention import close_attention
from seqhub.operations.services.events import Actor


@transaction.atomic
def ignore_runfolder(runfolder_id: int, *, actor: Actor, reason: str) -> None:
    """Out of lists and of the API's answers; the scanner still knows it.

    Raises IllegalTransition if it is ignored already.
    """
    runfolder = lock_runfolder(runfolder_id)
    if runfolder.ignored_at:
        raise IllegalTransition(f"{runfolder.name} is ignored already.")
    runfolder.ignored_at = timezone.now()
    runfolder.save(update_fields=["ignored_at"])
    close_attention(runfolder.subject)
    record(runfolder, "ignored", f"Ignored from now on. {reason}", actor=actor)


@transaction.atomic
def unignore_runfolder(runfolder_id: int, *, actor: Actor, reason: str = "") -> None:
    """Raises IllegalTransition if it is not ignored."""
    runfolder = lock_runfolder(runfolder_id)
    if not runfolder.ignored_at:
        raise IllegalTransition(f"{runfolder.name} is not ignored.")
    runfolder.ignored_at = None
    runfolder.save(update_fields=["ignored_at"])
    record(runfolder, "unignored", f"No longer ignored. {reason}", actor=actor)


@transaction.atomic
def forget_runfolder(runfolder_id: int, *, actor: Actor, reason: str) -> None:
    """Delete the row of a vanished run folder; its events stay.

    Raises RunfolderPresent: what is on disk would only be found again.
    """
    runfolder = lock_runfolder(runfolder_id)
    if runfolder.is_present:
        raise RunfolderPresent(
            f"{runfolder.name} is still on disk at {runfolder.path}; "
            "only a vanished run can be forgotten."
        )
    record(runfolder, "forgotten", f"Forgotten. {reason}", actor=actor)
    close_attention(runfolder.subject)
    runfolder.delete()
