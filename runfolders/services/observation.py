"""From a look at the disk to the row."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from runfolders.choices import Sequencing
from runfolders.engine.listing import inode_of
from runfolders.engine.look import Look
from runfolders.models import Runfolder, Sample
from runfolders.services.attention import sync_attention
from runfolders.services.columns import run_id_of, sample_rows
from runfolders.services.filling import fill, state_beside
from runfolders.services.history import record
from runfolders.services.policy import Policy
from runfolders.services.presence import retire
from runfolders.services.sequencing import change_sequencing
from runfolders.services.states import change_state, lock_runfolder
from runfolders.services.visibility import forget_runfolder
from seqhub.operations.services.events import SCANNER

_COMPARED = tuple(
    field.attname
    for field in Runfolder._meta.concrete_fields
    if field.attname not in ("id", "sequencing", "sequencing_reason")
)


@transaction.atomic
def observe(
    runfolder_id: int,
    look: Look,
    *,
    policy: Policy,
    now: dt.datetime,
    is_poll: bool = False,
) -> bool:
    """Apply a look to its row; whether it became complete by it.

    A look that began before the row's last one ended is dropped. `is_poll`: it
    counts for rules that want some scans without a change. Raises
    RunfolderNotFound.
    """
    runfolder = lock_runfolder(runfolder_id)
    if not runfolder.is_present or runfolder.signature != look.before:
        return False
    if look.no_run:
        _drop(runfolder, look.no_run, now)
        return False
    before = {name: getattr(runfolder, name) for name in _COMPARED}
    old_sequencing = runfolder.sequencing
    was_never_read = (
        not runfolder.digest and runfolder.sequencing_on_disk == Sequencing.UNREADABLE
    )
    verdict = fill(runfolder, look, policy=policy, now=now, is_poll=is_poll)
    state = None
    if was_never_read and runfolder.is_state_ours:
        state = state_beside(runfolder, look)
    changed = [name for name in _COMPARED if getattr(runfolder, name) != before[name]]
    if changed:
        runfolder.save(update_fields=changed)
    if look.facts is not None:
        replace_samples(runfolder, look)
    _record_stalling(runfolder, was_stalled=before["stalled_at"] is not None)
    if state:
        reason = "The file .arteria/state says so."
        change_state(runfolder, state, actor=SCANNER, reason=reason)
    if not runfolder.is_overridden and (
        verdict.sequencing != old_sequencing
        or verdict.reason != runfolder.sequencing_reason
    ):
        change_sequencing(
            runfolder, verdict.sequencing, verdict.reason, actor=SCANNER, now=now
        )
    sync_attention(runfolder, now)
    return (
        runfolder.sequencing == Sequencing.COMPLETE
        and old_sequencing != Sequencing.COMPLETE
    )


def is_another_run(runfolder: Runfolder, look: Look) -> bool:
    """Whether the name was used again: a new run lies where this one lay.

    A RunInfo.xml that someone mended in place is still the same run. Inodes are
    used again at once, so the same inode alone does not prove that.
    """
    if not (runfolder.digest and look.digest) or runfolder.digest == look.digest:
        return False
    inode = inode_of(runfolder.signature)
    if inode is not None and inode != inode_of(look.signature):
        return True
    if run_id_of(look) != runfolder.run_id:
        return True
    return runfolder.sequencing_on_disk == Sequencing.COMPLETE and not look.markers


def replace_samples(runfolder: Runfolder, look: Look) -> None:
    """Make the samples those of the sheet, if they differ."""
    rows = sample_rows(runfolder, look.sheet)
    if _told(rows) != _told(list(runfolder.samples.order_by("line", "id"))):
        runfolder.samples.all().delete()
        Sample.objects.bulk_create(rows, batch_size=1_000)


def _told(samples: list[Sample]) -> list[tuple[Any, ...]]:
    return [
        (s.sample_id, s.name, s.project, s.lane, s.index, s.index2, s.line)
        for s in samples
    ]


def _drop(runfolder: Runfolder, reason: str, now: dt.datetime) -> None:
    """A wash, say, that could not be told from a run at first."""
    retire(runfolder.pk, reason.rstrip("."), now=now)
    if runfolder.is_state_ours:  # else somebody worked with it
        forget_runfolder(runfolder.pk, actor=SCANNER, reason=reason)


def _record_stalling(runfolder: Runfolder, *, was_stalled: bool) -> None:
    is_stalled = runfolder.stalled_at is not None
    if is_stalled == was_stalled:
        return
    record(
        runfolder,
        "stalled" if is_stalled else "moves_again",
        "Nothing moves any more." if is_stalled else "It moves again.",
        actor=SCANNER,
    )
