"""One run folder, looked at now: what the Arteria API's answers rest on."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from runfolders.choices import State
from runfolders.engine.facts import Unreadable
from runfolders.engine.look import Before, Look, Looker
from runfolders.engine.walk import Walk
from runfolders.errors import NotMonitored, RunfolderNotFound
from runfolders.models import Root, Runfolder
from runfolders.services.columns import facts_of, path_columns
from runfolders.services.observation import is_another_run, observe
from runfolders.services.policy import Policy, current_policy
from runfolders.services.presence import give_way, note_absent
from runfolders.services.registration import register
from runfolders.services.roots import root_of
from runfolders.services.size import ring_for_sizes
from seqhub.lib.patience import TimedOut, patient, within

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
    root = root_of(host, path, now=timezone.now())
    row = _known(host, path)
    _refuse_nested(root, path)
    _refuse_links(root, path)
    policy = current_policy()
    before = Before(row.signature, facts_of(row)) if row else None
    try:
        look = within(
            ANSWER_S, root.path, _look_at, Looker(policy.markers), path, before
        )
    except (FileNotFoundError, NotADirectoryError):
        if row is not None:
            note_absent([row.pk], now=timezone.now())
        raise RunfolderNotFound(f"There is no directory {path[:200]!r}.") from None
    if look is None:
        return row or _plain_directory(root, path)
    return _record(root, row, look, policy)


@dataclass(slots=True)
class DiskAnswer:
    """What a look at the disk told of some rows."""

    gone: set[int] = field(default_factory=set)  # ids: no directory is there now
    silent: set[int] = field(default_factory=set)  # ids: the disk does not tell
    hung: set[int] = field(default_factory=set)  # ids of the roots that hang

    @property
    def not_there(self) -> set[int]:
        return self.gone | self.silent


def ask_disk(rows: Iterable[Runfolder]) -> DiskAnswer:
    """One stat of each row; their roots are at hand. Those gone are noted."""
    by_root: dict[Root, list[Runfolder]] = {}
    for row in rows:
        by_root.setdefault(row.root, []).append(row)
    answer = DiskAnswer()
    for root, there in by_root.items():
        waiting = {row.pk for row in there}
        try:
            for pk, is_there in patient(ANSWER_S, root.path, _stats(there)):
                waiting.discard(pk)
                if is_there is None:
                    answer.silent.add(pk)
                elif not is_there:
                    answer.gone.add(pk)
        except TimedOut:
            answer.hung.add(root.pk)
            answer.silent |= waiting
    note_absent(answer.gone, now=timezone.now())
    return answer


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


def _refuse_links(root: Root, path: str) -> None:
    """What the scan would not come to can't be kept up to date either."""
    ignored = settings.CONFIG.runfolders.ignored_names
    walk = Walk(root.path, root.depth, ignored)
    if not within(ANSWER_S, root.path, walk.covers, path):
        raise NotMonitored(
            f"{path[:200]!r} is a link that is not followed: it lies deeper than "
            "directly below the monitored directory, or leads into it again."
        )


def _plain_directory(root: Root, path: str) -> Runfolder:
    row = Runfolder(root=root, host=root.host, state=State.NONE, **path_columns(path))
    # What can't be looked at may as well not be there (a name that is too long).
    if not within(ANSWER_S, root.path, _is_directory, row.location):
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
        give_way(row.pk, now=now)
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


def _stats(rows: Iterable[Runfolder]) -> Iterator[tuple[int, bool | None]]:
    return ((row.pk, _is_directory(row.location)) for row in rows)


def _is_directory(path: Path) -> bool | None:
    """None if there is trouble on the way to it."""
    try:
        found = os.stat(path)  # noqa: PTH116 - `mode` is all we want
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return None
    return stat.S_ISDIR(found.st_mode)
