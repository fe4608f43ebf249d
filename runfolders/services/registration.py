"""Run folders that are seen for the first time, or in another place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from runfolders.choices import RootStatus, Sequencing, State
from runfolders.engine.absence import is_absent, is_gone
from runfolders.engine.listing import device_of, is_same_folder
from runfolders.engine.look import Look
from runfolders.models import Instrument, Root, Runfolder, Sample
from runfolders.services.attention import sync_attention, wanted_attention
from runfolders.services.columns import path_columns, run_id_of, sample_rows
from runfolders.services.filling import fill, state_beside
from runfolders.services.history import record
from runfolders.services.observation import observe
from runfolders.services.policy import Policy
from runfolders.services.presence import recall_override
from runfolders.services.states import lock_runfolder
from seqhub.lib.patience import TimedOut, within
from seqhub.operations.models import Event
from seqhub.operations.services.events import SCANNER

STAT_S = 5


@dataclass(slots=True)
class Registered:
    """What became of looks at unknown directories."""

    new: list[Runfolder] = field(default_factory=list)
    known_again: list[int] = field(default_factory=list)  # moved, or back
    completed: int = 0


def register(
    root: Root, looks: Sequence[Look], *, policy: Policy, now: dt.datetime
) -> Registered:
    """Rows for run folders that `root` has and the database does not.

    A run that moved, or is back, goes on in its old row.
    """
    there = _adopt(root, looks)
    registered = Registered(known_again=list(there.values()))
    looks = [look for look in looks if path_columns(look.path)["path"] not in there]
    former = _former_rows(root.host, looks)
    fresh = []
    for look in looks:
        row = _find_former(look, former)
        if row is None:
            fresh.append(look)
            continue
        former.remove(row)
        if _settle_in(row.pk, root, look, policy=policy, now=now):
            registered.completed += 1
        registered.known_again.append(row.pk)
    registered.new = _create(root, fresh, policy, now)
    registered.completed += sum(
        row.sequencing == Sequencing.COMPLETE for row in registered.new
    )
    return registered


def _adopt(root: Root, looks: Sequence[Look]) -> dict[str, int]:
    """Rows that stand at the paths, path -> id: of a root that this one was cut out
    of, or just made by another door. The next look at them is an ordinary one."""
    paths = [path_columns(look.path)["path"] for look in looks]
    rows = Runfolder.objects.filter(host=root.host, path__in=paths, is_present=True)
    there = dict(rows.values_list("path", "pk"))
    rows.exclude(root=root).update(root=root)
    return there


def _former_rows(host: str, looks: Sequence[Look]) -> list[Runfolder]:
    """Rows that could be the same runs, vanished ones first, the youngest first."""
    of_host = Runfolder.objects.filter(host=host).select_related("root")
    run_ids = {run_id_of(look) for look in looks if look.digest} - {""}
    same_run = of_host.filter(run_id__in=run_ids).exclude(digest="")
    paths = {path_columns(look.path)["path"] for look in looks if look.error}
    gone_there = of_host.filter(path__in=paths, is_present=False) if paths else ()
    rows = {row.pk: row for row in (*same_run, *gone_there)}.values()
    return sorted(rows, key=lambda row: (row.is_present, -row.pk))


def _find_former(look: Look, former: Sequence[Runfolder]) -> Runfolder | None:
    if look.error:
        # It can't be told by what it holds; nothing of the row is overwritten.
        path = path_columns(look.path)["path"]
        rows = (row for row in former if not row.is_present and row.path == path)
        return next(rows, None)
    for row in former:
        if (
            look.digest
            and (row.run_id, row.digest) == (run_id_of(look), look.digest)
            and (not row.is_present or _has_left(row))
        ):
            return row
    return None


def _has_left(row: Runfolder) -> bool:
    """Whether a folder is certainly not at its path any more.

    Of a root that is watched only if it is there; one that is watched no longer
    may be gone for good, its runs having moved.
    """
    root, location = row.root, str(row.location)
    try:
        if not root.is_configured:
            return within(STAT_S, root.path, is_absent, location)
        if root.status != RootStatus.AVAILABLE:
            return False
        device = device_of(row.signature)
        return within(STAT_S, root.path, is_gone, root.path, location, device)
    except TimedOut:
        return False


@transaction.atomic
def _settle_in(
    runfolder_id: int, root: Root, look: Look, *, policy: Policy, now: dt.datetime
) -> bool:
    """Go on with an old row at the look's place; whether it became complete."""
    runfolder = lock_runfolder(runfolder_id)
    old_path, was_present = runfolder.path, runfolder.is_present
    is_copy = not is_same_folder(runfolder.signature, look.signature)
    columns: dict[str, Any] = {
        **path_columns(look.path),
        "root": root,
        "is_present": True,
        "vanished_at": None,
        "signature": look.before,
    }
    if is_copy:
        # It may still be copied: what was seen at the old place says nothing of it.
        columns |= {
            "markers": {},
            "stable_polls": 0,
            "cycles_done": None,
            "progress_at": None,
            "due_at": None,
        }
    for name, value in columns.items():
        setattr(runfolder, name, value)
    runfolder.save(update_fields=list(columns))
    message = "Moved." if was_present else "Back on disk."
    has_moved = runfolder.path != old_path
    if has_moved:
        message = f"{message} It was at {old_path} and is at {runfolder.path} now."
    record(
        runfolder,
        "moved" if has_moved else "returned",
        message,
        actor=SCANNER,
        data={"from": old_path, "to": runfolder.path},
    )
    recall_override(runfolder, now=now)
    return observe(runfolder_id, look, policy=policy, now=now)


@transaction.atomic
def _create(
    root: Root, looks: Sequence[Look], policy: Policy, now: dt.datetime
) -> list[Runfolder]:
    """Many at once: the first scan finds thousands. One event each."""
    instruments: dict[str, Instrument] = {}
    rows = [_new_row(root, look, policy, now, instruments) for look in looks]
    Runfolder.objects.bulk_create(rows, batch_size=500)
    samples: list[Sample] = []
    for row, look in zip(rows, looks, strict=True):
        samples += sample_rows(row, look.sheet)
    Sample.objects.bulk_create(samples, batch_size=1_000)
    Event.objects.bulk_create([_found(row) for row in rows], batch_size=500)
    for row in rows:
        if wanted_attention(row, now):
            sync_attention(row, now)
    return rows


def _new_row(
    root: Root,
    look: Look,
    policy: Policy,
    now: dt.datetime,
    instruments: dict[str, Instrument],
) -> Runfolder:
    row = Runfolder(
        root=root,
        host=root.host,
        platform=look.platform,
        sequencing_since=now,
        state_since=now,
        first_seen_at=now,
        **path_columns(look.path),
    )
    verdict = fill(row, look, policy=policy, now=now, instruments=instruments)
    row.sequencing = verdict.sequencing
    row.sequencing_reason = verdict.reason
    if row.sequencing == Sequencing.COMPLETE:
        row.completed_at = now
        row.state = State.READY
    if state := state_beside(row, look):
        row.state = state
        row.is_state_ours = False
    return row


def _found(row: Runfolder) -> Event:
    return Event(
        subject=row.subject,
        runfolder_ref=row.pk,
        runfolder_name=row.name,
        source=SCANNER.source,
        kind="found",
        message=f"Found at {row.path}: {row.sequencing}, {row.sequencing_reason}. "
        f"State {row.state}.",
        data={"sequencing": row.sequencing, "state": row.state},
        at=timezone.now(),
    )
