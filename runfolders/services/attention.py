"""What a person should look at because of the state of a run."""

from __future__ import annotations

import datetime as dt

from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.policy import clock
from seqhub.operations.models import Attention
from seqhub.operations.services.attention import close_attention, open_attention

STALLED = "stalled"
FAILED = "failed"
UNREADABLE = "unreadable"
_CODES = (STALLED, FAILED, UNREADABLE)
# A file may be on its way; after so long it is not.
UNREADABLE_AFTER = dt.timedelta(minutes=5)

# code -> (message, next step)
Wanted = dict[str, tuple[str, str]]


def wanted_attention(runfolder: Runfolder, now: dt.datetime) -> Wanted:
    """What should be on the list for this run at the moment."""
    if runfolder.ignored_at or not runfolder.is_present or runfolder.is_overridden:
        return {}
    sequencing = runfolder.sequencing
    # Words of the instrument may bring a full stop of their own.
    reason = runfolder.sequencing_reason.rstrip(".")
    if sequencing == Sequencing.FAILED:
        message = f"Sequencing failed: {reason}."
        step = (
            "Look at the instrument. If the data is of use all the same, mark the run "
            "complete; if not, set this aside."
        )
        return {FAILED: (message, step)}
    if sequencing == Sequencing.UNREADABLE:
        if now - runfolder.sequencing_since < UNREADABLE_AFTER:
            return {}
        step = (
            "Look at the folder's files and permissions on this host; it is tried "
            "again at every scan."
        )
        return {UNREADABLE: (f"{reason}.", step)}
    if runfolder.stalled_at:
        return {STALLED: _stalled(runfolder)}
    return {}


def sync_attention(runfolder: Runfolder, now: dt.datetime) -> None:
    """Open what is wanted for the run and close what is over; the row is locked."""
    wanted = wanted_attention(runfolder, now)
    rows = Attention.objects.filter(subject=runfolder.subject, code__in=_CODES)
    there = {row.code: (row.message, row.next_step) for row in rows}
    if over := there.keys() - wanted.keys():
        close_attention(runfolder.subject, *over)
    for code, words in wanted.items():
        if there.get(code) != words:
            message, next_step = words
            open_attention(
                runfolder.subject,
                code,
                message,
                next_step=next_step,
                runfolder=(runfolder.pk, runfolder.name),
            )


def _stalled(runfolder: Runfolder) -> tuple[str, str]:
    if runfolder.sequencing == Sequencing.SETTLING:
        message = f"The copy does not end: {runfolder.sequencing_reason.rstrip('.')}."
        step = (
            "Look at the copy from the instrument. If everything is here, mark the run "
            "complete."
        )
        return message, step
    where = ""
    if runfolder.cycles_done is not None and runfolder.total_cycles:
        where = f" at cycle {runfolder.cycles_done} of {runfolder.total_cycles}"
    since = runfolder.progress_at or runfolder.first_seen_at
    message = f"Sequencing stands still{where}: nothing new since "
    step = (
        "Look at the instrument. If the run was given up, ignore it or mark it failed."
    )
    return f"{message}{clock(since.timestamp())}.", step
