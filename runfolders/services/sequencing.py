"""`sequencing`: is it all there? The disk's word, or a person's."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from runfolders.choices import IN_FLIGHT, Sequencing
from runfolders.models import Runfolder
from runfolders.services.history import record
from runfolders.services.states import lock_runfolder, offer, withdraw
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.events import Actor


def change_sequencing(
    runfolder: Runfolder,
    sequencing: Sequencing,
    reason: str,
    *,
    actor: Actor,
    now: dt.datetime | None = None,
) -> None:
    """The one place where `sequencing` changes; the row must be locked.

    Any word may follow any other: the disk may show anything. Saves `sequencing`,
    its reason and times, offers a run that becomes complete to the API clients
    (`state` none -> ready) and takes the offer back (ready -> none) if it turns out
    not to be complete. A `ready` that a client set stays, and so does that of a
    run that can't be read or has vanished: nothing new is known of it.
    """
    now = now or timezone.now()
    old = runfolder.sequencing
    if sequencing == old:
        runfolder.sequencing_reason = reason
        runfolder.save(update_fields=["sequencing_reason"])
        return
    runfolder.sequencing = sequencing
    runfolder.sequencing_since = now
    runfolder.sequencing_reason = reason
    if sequencing == Sequencing.COMPLETE:
        # Back from unreadable or vanished: it was complete all the time, and the
        # order in which runs are handed out stays.
        runfolder.completed_at = runfolder.completed_at or now
    elif sequencing in IN_FLIGHT:
        runfolder.completed_at = None
    runfolder.save(
        update_fields=[
            "sequencing",
            "sequencing_since",
            "sequencing_reason",
            "completed_at",
        ]
    )
    record(
        runfolder,
        "sequencing_changed",
        f"Sequencing {old} → {sequencing.value}: {reason}",
        actor=actor,
        data={"from": old, "to": sequencing.value, "reason": reason},
    )
    if sequencing == Sequencing.COMPLETE:
        offer(runfolder, actor=actor)
    elif sequencing in IN_FLIGHT or sequencing == Sequencing.FAILED:
        withdraw(runfolder, actor=actor)


@transaction.atomic
def override_sequencing(
    runfolder_id: int, sequencing: Sequencing, *, actor: Actor, reason: str
) -> Runfolder:
    """A person's word: it stands until lifted, whatever the disk says.

    Only `complete` and `failed` can be said by hand. Raises IllegalTransition.
    """
    runfolder = lock_runfolder(runfolder_id)
    if sequencing not in (Sequencing.COMPLETE, Sequencing.FAILED):
        raise IllegalTransition(f"{sequencing} can't be set by hand.")
    if not runfolder.is_present:
        raise IllegalTransition(f"{runfolder.name} is no longer on disk.")
    if runfolder.is_overridden and runfolder.sequencing == sequencing:
        raise IllegalTransition(f"{runfolder.name} is marked {sequencing} already.")
    runfolder.is_overridden = True
    runfolder.save(update_fields=["is_overridden"])
    record(
        runfolder,
        "overridden",
        f"Marked {sequencing.value} by hand. {reason}",
        actor=actor,
    )
    change_sequencing(runfolder, sequencing, f"By hand: {reason}", actor=actor)
    return runfolder


@transaction.atomic
def lift_override(runfolder_id: int, *, actor: Actor, reason: str = "") -> Runfolder:
    """Believe the disk again. Raises IllegalTransition if nothing is overridden."""
    runfolder = lock_runfolder(runfolder_id)
    if not runfolder.is_overridden:
        raise IllegalTransition(f"{runfolder.name} has no override.")
    runfolder.is_overridden = False
    # The next scan says why; an empty signature makes it look again.
    runfolder.signature = ""
    runfolder.save(update_fields=["is_overridden", "signature"])
    record(runfolder, "override_lifted", f"Override lifted. {reason}", actor=actor)
    change_sequencing(
        runfolder,
        Sequencing(runfolder.sequencing_on_disk),
        f"Override lifted. {reason}".strip(),
        actor=actor,
    )
    return runfolder
