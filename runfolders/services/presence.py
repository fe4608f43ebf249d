"""Run folders that are no longer where they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.sequencing import change_sequencing
from runfolders.services.states import lock_runfolder
from seqhub.operations.models import Event
from seqhub.operations.services.attention import close_attention
from seqhub.operations.services.events import SCANNER, Actor


@transaction.atomic
def retire(
    runfolder_id: int, reason: str, *, now: dt.datetime, actor: Actor = SCANNER
) -> bool:
    """The folder is gone: the row stays, vanished, and its path is free.

    A person's override stands again when the folder is back (`recall_override`).
    False if the row is no longer present anyway. Raises RunfolderNotFound.
    """
    runfolder = lock_runfolder(runfolder_id)
    if not runfolder.is_present:
        return False
    runfolder.is_present = False
    runfolder.vanished_at = now
    runfolder.missing_since = runfolder.due_at = runfolder.stalled_at = None
    runfolder.sequencing_on_disk = Sequencing.VANISHED
    runfolder.save(
        update_fields=[
            "is_present",
            "vanished_at",
            "missing_since",
            "due_at",
            "stalled_at",
            "sequencing_on_disk",
        ]
    )
    change_sequencing(runfolder, Sequencing.VANISHED, reason, actor=actor, now=now)
    close_attention(runfolder.subject)
    return True


@transaction.atomic
def give_way(runfolder_id: int, *, now: dt.datetime) -> None:
    """Another run lies at its path now: what a person said of this one is over.

    Raises RunfolderNotFound.
    """
    retire(runfolder_id, "another run lies at its path now", now=now)
    Runfolder.objects.filter(pk=runfolder_id).update(is_overridden=False)


def recall_override(runfolder: Runfolder, *, now: dt.datetime) -> None:
    """Let a person's word count again for a run that is back; the row is locked."""
    if not runfolder.is_overridden or runfolder.sequencing != Sequencing.VANISHED:
        return
    changes = Event.objects.filter(
        runfolder_ref=runfolder.pk,
        kind="sequencing_changed",
        data__to=Sequencing.VANISHED,
    )
    vanished = changes.order_by("-id").first()
    if vanished is None:  # its history was cleared: the disk decides
        runfolder.is_overridden = False
        runfolder.save(update_fields=["is_overridden"])
        return
    word = Sequencing(vanished.data["from"])
    reason = "By hand, before it vanished"
    change_sequencing(runfolder, word, reason, actor=SCANNER, now=now)


def note_absent(runfolder_ids: Iterable[int], *, now: dt.datetime) -> None:
    """A caller found no directory there: the next scan decides whether it is gone."""
    ids = list(runfolder_ids)
    if ids:
        rows = Runfolder.objects.filter(pk__in=ids, is_present=True)
        rows.filter(missing_since=None).update(missing_since=now)


def note_missing(runfolder_ids: list[int], *, now: dt.datetime) -> int:
    """Not found in this pass; the second one in a row retires. How many it did.

    A folder may be on its way from one name to another between two looks.
    """
    rows = Runfolder.objects.filter(pk__in=runfolder_ids, is_present=True)
    twice = list(rows.exclude(missing_since=None).values_list("pk", flat=True))
    note_absent(runfolder_ids, now=now)
    reason = "the folder is no longer on disk"
    return sum(retire(pk, reason, now=now) for pk in twice)
