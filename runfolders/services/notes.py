"""Notes that people leave on a run."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runfolders.models import Note
from runfolders.services.history import record
from runfolders.services.states import lock_runfolder
from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor


@transaction.atomic
def add_note(runfolder_id: int, text: str, *, actor: Actor) -> Note:
    """Raises InvalidValue for an empty text, RunfolderNotFound."""
    if not text.strip():
        raise InvalidValue("The note is empty.")
    runfolder = lock_runfolder(runfolder_id)
    note = Note.objects.create(
        runfolder=runfolder, text=text.strip(), author=actor.name, at=timezone.now()
    )
    record(
        runfolder,
        "note",
        note.text,
        actor=actor,
    )
    return note
