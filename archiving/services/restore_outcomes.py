"""How a try at a restore ends."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.errors import Code, Trouble
from archiving.models import Restore
from archiving.services import history
from archiving.services.attention import RESTORE_FAILED
from archiving.services.expiry import tidy_up
from archiving.services.outcomes import PAUSES, WAIT
from archiving.services.placing import Placed
from archiving.services.policy import Policy
from runfolders.engine.files import storable
from seqhub.lib.lease import LeaseLost, holds
from seqhub.operations.services.attention import close_attention, open_attention
from seqhub.operations.services.events import SYSTEM, Actor

OVER = (RestoreState.FAILED, RestoreState.CANCELLED, RestoreState.EXPIRED)
# Trying again changes nothing.
_FINAL = frozenset(
    {Code.NO_SECRET_KEY, Code.WRONG_KEY, Code.NOT_IN_ARCHIVE, Code.ALREADY_THERE}
)

# In a shell: who is there has been told, and mends it by other arguments.
_TOLD_IN_SHELL = frozenset(
    {
        Code.NO_SECRET_KEY,
        Code.NOT_IN_ARCHIVE,
        Code.ALREADY_THERE,
        Code.DESTINATION_MISSING,
        Code.DESTINATION_READ_ONLY,
        Code.DESTINATION_FULL,
        Code.DESTINATION_FAILED,
    }
)


@transaction.atomic
def finish(row: Restore, placed: Placed, policy: Policy) -> Restore:
    """It is there. Raises LeaseLost."""
    locked = _lock_held(row)
    change(locked, RestoreState.AVAILABLE)
    free(locked)
    forget(locked)
    locked.files_checked = placed.files
    locked.ended_at = timezone.now()
    if not locked.is_anywhere:
        keep = dt.timedelta(days=policy.restore_keep_days)
        locked.expires_at = timezone.now() + keep
    if placed.files is None:
        locked.message = "There is no manifest to compare the files with."
    elif placed.left_alone:
        locked.message = f"{placed.left_alone:,} were there and stayed as they were."
    locked.save()
    close_attention(locked.subject, RESTORE_FAILED)
    checked = ""
    if placed.files is not None:
        checked = f"; {placed.files:,} files are as they were sealed"
    words = f"Restored to {locked.target}{checked}. {locked.message}"
    record(locked, "restored", words, SYSTEM)
    return locked


def give_up(row: Restore, trouble: Trouble) -> Restore:
    """It failed, waits, or was cancelled; what is left behind if it is over goes.

    What fails is tried again after a pause; the third time is the last, and the
    first where trying again changes nothing, or in a shell, where nobody waits for
    it. Raises LeaseLost.
    """
    locked = _end_row(row, trouble)
    if locked.state in OVER:
        tidy_up(locked)
    return locked


@transaction.atomic
def give_back(row: Restore) -> Restore:
    """Somebody else may go on with it. Raises LeaseLost."""
    locked = _lock_held(row)
    change(locked, RestoreState.REQUESTED)
    free(locked)
    locked.save()
    return locked


def change(row: Restore, state: RestoreState) -> None:
    """The row is not saved."""
    if row.state != state:
        row.state, row.state_since = state, timezone.now()


def free(row: Restore) -> None:
    """Nobody works on it any more; the row is not saved."""
    row.worker_id, row.lease_until = "", None
    row.stage, row.rate_bytes_s = "", None


def forget(row: Restore) -> None:
    """What went wrong before; the row is not saved."""
    row.code = row.message = row.next_step = ""
    row.failure_count = 0
    row.not_before = row.cancel_requested_at = row.ended_at = None


def record(row: Restore, kind: str, words: str, actor: Actor) -> None:
    """An event about a restore, in the caller's transaction."""
    data = {"restore": row.pk}
    history.record(row.job, kind, words, actor=actor, data=data)


def _lock_held(row: Restore) -> Restore:
    """Raises LeaseLost when another attempt has it by now."""
    rows = Restore.objects.select_for_update(of=("self",)).select_related("job")
    locked = rows.filter(holds(row), state=RestoreState.RUNNING).first()
    if locked is None:
        raise LeaseLost(f"{row} was taken back")
    return locked


@transaction.atomic
def _end_row(row: Restore, trouble: Trouble) -> Restore:
    locked = _lock_held(row)
    free(locked)
    if trouble.code == Code.CANCELLED or locked.cancel_requested_at:
        change(locked, RestoreState.CANCELLED)
        forget(locked)
        locked.ended_at = timezone.now()
        locked.save()
        return locked
    locked.code = trouble.code
    # It may tell of files, whose names are not always text.
    locked.message = storable(trouble.message.rstrip("."))
    locked.next_step = trouble.next_step
    if trouble.code == Code.NO_SPACE:
        change(locked, RestoreState.REQUESTED)
        locked.not_before = timezone.now() + WAIT
        locked.save()
        return locked
    locked.failure_count += 1
    is_over = trouble.code in _FINAL or locked.failure_count > len(PAUSES)
    if locked.is_anywhere and trouble.code in _TOLD_IN_SHELL:
        change(locked, RestoreState.CANCELLED)
        locked.ended_at = timezone.now()
    elif is_over or locked.is_anywhere:
        change(locked, RestoreState.FAILED)
        locked.ended_at = timezone.now()
        _tell_of_failure(locked)
    else:
        change(locked, RestoreState.REQUESTED)
        locked.not_before = timezone.now() + PAUSES[locked.failure_count - 1]
    locked.save()
    words = f"The restore failed: {locked.message}."
    record(locked, "restore_failed", words, SYSTEM)
    return locked


def _tell_of_failure(row: Restore) -> None:
    open_attention(
        row.subject,
        RESTORE_FAILED,
        f"{row.job.name} could not be restored: {row.message}.",
        next_step=row.next_step,
        runfolder=(row.job.runfolder_id, row.job.run_name),
    )
