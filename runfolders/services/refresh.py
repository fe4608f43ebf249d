"""One run folder, looked at now: what the Arteria API's answers rest on."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.db import IntegrityError, transaction
from django.utils import timezone

from runfolders.choices import State
from runfolders.engine.absence import is_gone
from runfolders.engine.facts import Unreadable
from runfolders.engine.look import Before, Look, Looker
from runfolders.errors import NotMonitored, RunfolderNotFound
from runfolders.models import Root, Runfolder
from runfolders.services.columns import facts_of, path_columns
from runfolders.services.observation import is_another_run, observe
from runfolders.services.policy import Policy, current_policy
from runfolders.services.presence import retire
from runfolders.services.registration import register
from runfolders.services.roots import root_of
from runfolders.services.size import ring_for_sizes
from seqhub.lib.patience import TimedOut, within

# A caller waits for a disk so long; a mount that takes longer hangs.
ANSWER_S = 10.0


def refresh_path(host: str, path: str) -> Runfolder:
    """The run folder at `path` (absolute, real), as it is on disk at this moment.

    It is registered if it is new. A directory where run folders lie that is none
    (yet) is answered as Arteria answers it, state `none`, by a Runfolder that is
    not saved (`pk` is None): the console shows runs only. Raises NotMonitored,
    RunfolderNotFound, TimedOut.
    """
    path = path.rstrip("/")
    now = timezone.now()
    root = root_of(host, path, now=now)
    row = _known(host, path)
    _refuse_nested(root, path)
    policy = current_policy()
    before = Before(row.signature, facts_of(row)) if row else None
    try:
        look = within(
            ANSWER_S, root.path, _look_at, Looker(policy.markers), path, before
        )
    except (FileNotFoundError, NotADirectoryError):
        if row is not None:
            vanish([row.pk])
        raise RunfolderNotFound(f"There is no directory {path[:200]!r}.") from None
    if look is None:
        return row or _plain_directory(root, path)
    return _record(root, row, look, policy)


def gone_from_disk(rows: Iterable[Runfolder]) -> tuple[set[int], set[int]]:
    """Of rows whose roots are at hand: the ids of which there is no directory
    now, one stat each, and the ids of which a hung disk does not tell."""
    by_root: dict[str, list[Runfolder]] = {}
    for row in rows:
        by_root.setdefault(row.root.path, []).append(row)
    gone: set[int] = set()
    silent: set[int] = set()
    for place, there in by_root.items():
        try:
            gone |= within(ANSWER_S, place, _without_directory, there)
        except TimedOut:
            silent.update(row.pk for row in there)
    return gone, silent


def vanish(runfolder_ids: Iterable[int]) -> None:
    """Mark the rows that a caller found gone, if their roots are there.

    An unmounted disk says nothing of the folders on it, and trouble on the way
    to a folder nothing of the folder.
    """
    ids = list(runfolder_ids)
    if not ids:
        return
    rows = Runfolder.objects.filter(pk__in=ids, is_present=True)
    for row in rows.select_related("root"):
        root, path = row.root.path, str(row.location)
        with suppress(TimedOut):
            if within(ANSWER_S, root, is_gone, root, path):
                now = timezone.now()
                retire(row.pk, "the folder is no longer on disk", now=now)


def _known(host: str, path: str) -> Runfolder | None:
    rows = Runfolder.objects.select_related("instrument", "root")
    columns = path_columns(path)
    return rows.filter(
        host=host,
        path=columns["path"],
        raw_path=columns["raw_path"],
        is_present=True,
    ).first()


def _refuse_nested(root: Root, path: str) -> None:
    """Below a root of some depth, what lies inside a run is no run folder."""
    above = []
    while (path := os.path.dirname(path)) != root.path and len(path) > len(root.path):
        above.append(path_columns(path)["path"])
    inside = Runfolder.objects.filter(
        host=root.host, is_present=True, path__in=above
    ).first()
    if inside is not None:
        raise NotMonitored(f"The path lies inside the run folder {inside.path}.")


def _plain_directory(root: Root, path: str) -> Runfolder:
    row = Runfolder(root=root, host=root.host, state=State.NONE, **path_columns(path))
    # What can't be looked at may as well not be there (a name that is too long).
    if within(ANSWER_S, root.path, _without_directory, [row]):
        raise RunfolderNotFound(f"There is no directory {path[:200]!r}.")
    return row


def _look_at(looker: Looker, path: str, before: Before | None) -> Look | None:
    try:
        return looker.look_at(path, before)
    except Unreadable:
        return None


def _record(root: Root, row: Runfolder | None, look: Look, policy: Policy) -> Runfolder:
    now = timezone.now()
    if row is not None and is_another_run(row, look):
        retire(row.pk, "another run lies at its path now", now=now)
        row = None
    if row is None:
        return _register(root, look, policy)
    if observe(row.pk, look, policy=policy, now=now):
        ring_for_sizes(root.host)
    # It may have turned out to be no run.
    return _known(root.host, look.path) or _plain_directory(root, look.path)


def _register(root: Root, look: Look, policy: Policy) -> Runfolder:
    try:
        with transaction.atomic():
            registered = register(root, [look], policy=policy, now=timezone.now())
    except IntegrityError:
        # The scanner has just found it too.
        row = _known(root.host, look.path)
        if row is None:
            raise
        return row
    if registered.completed:
        ring_for_sizes(root.host)
    ids = [row.pk for row in registered.new] or registered.known_again
    return Runfolder.objects.select_related("instrument", "root").get(pk=ids[0])


def _without_directory(rows: Iterable[Runfolder]) -> set[int]:
    return {row.pk for row in rows if not _is_directory(row.location)}


def _is_directory(path: Path) -> bool:
    try:
        found = os.stat(path)  # noqa: PTH116 - `mode` is all we want
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode)
