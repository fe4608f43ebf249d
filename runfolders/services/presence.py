"""Run folders that are no longer where they were."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.sequencing import change_sequencing
from runfolders.services.states import lock_runfolder
from seqhub.operations.services.attention import close_attention
from seqhub.operations.services.events import SCANNER, Actor


@transaction.atomic
def retire(
    runfolder_id: int, reason: str, *, now: dt.datetime, actor: Actor = SCANNER
) -> bool:
    """The folder is gone: the row stays, vanished, and its path is free.

    Ends a person's override: it spoke of a folder that is not there any more.
    False if the row is no longer present anyway. Raises RunfolderNotFound.
    """
    runfolder = lock_runfolder(runfolder_id)
    if not runfolder.is_present:
        return False
    runfolder.is_present = False
    runfolder.vanished_at = now
    runfolder.missing_since = runfolder.due_at = runfolder.stalled_at = None
    runfolder.is_overridden = False
    runfolder.sequencing_on_disk = Sequencing.VANISHED
    runfolder.save(
        update_fields=[
            "is_present",
            "vanished_at",
            "missing_since",
            "due_at",
            "stalled_at",
            "is_overridden",
            "sequencing_on_disk",
        ]
    )
    change_sequencing(runfolder, Sequencing.VANISHED, reason, actor=actor, now=now)
    close_attention(runfolder.subject)
    return True


def note_missing(runfolder_ids: list[int], *, now: dt.datetime) -> int:
    """Not found in this pass; the second one in a row retires. How many it did.

    A folder may be on its way from one name to another between two looks.
    """
    rows = Runfolder.objects.filter(pk__in=runfolder_ids, is_present=True)
    twice = list(rows.exclude(missing_since=None).values_list("pk", flat=True))
    rows.filter(missing_since=None).update(missing_since=now)
    reason = "the folder is no longer on disk"
    return sum(retire(pk, reason, now=now) for pk in twice)
