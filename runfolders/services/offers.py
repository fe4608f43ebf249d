"""Run folders as API clients get them: on disk at the moment of the answer."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet

from runfolders.errors import RunfolderNotFound
from runfolders.models import Runfolder
from runfolders.selectors import next_ready, present_runfolders
from runfolders.services.refresh import refresh_path, still_there, vanish
from runfolders.services.states import parse_state, pick_up, set_state
from seqhub.lib.disk import read_disk
from seqhub.operations.services.events import Actor

# What Arteria's answers and `still_there` need of a row.
FIELDS = (
    "host",
    "path",
    "raw_path",
    "state",
    "reagent_kit_barcode",
    "library_tube",
)
# How many candidates `next` reads at once; most often the first one is there.
BATCH = 20


def offered(host: str, state: str | None = None) -> list[Runfolder]:
    """The run folders of `host` in `state` (None: in any), first completed first.

    One `stat` each; what is gone is left out and marked. Raises DiskTimeout.
    """
    rows = present_runfolders(host).order_by("completed_at", "id")
    if state is not None:
        rows = rows.filter(state=state)
    candidates = list(_light(rows))
    gone = read_disk(_gone, candidates)
    vanish(sorted(gone))
    return [row for row in candidates if row.pk not in gone]


def next_offer(host: str) -> Runfolder | None:
    """What `pick_up_offer` would hand out now. Raises DiskTimeout."""
    gone: set[int] = set()
    while rows := list(_light(next_ready(host).exclude(pk__in=gone))[:BATCH]):
        found, missing = read_disk(_first_there, rows)
        vanish(missing)
        if found is not None:
            return found
        gone.update(missing)
    return None


def pick_up_offer(host: str, *, actor: Actor) -> Runfolder | None:
    """Claim the run folder that has been complete the longest and is on disk.

    It is `pending` from then on; no two callers ever get the same one. A
    claim that finds nothing on disk is undone. Raises DiskTimeout.
    """
    gone: frozenset[int] = frozenset()
    while True:
        # The look at the disk is part of the claim: others pass over the
        # locked row meanwhile, and wait for nothing.
        with transaction.atomic():
            runfolder = pick_up(host, actor=actor, skip=gone)
            if runfolder is None or read_disk(still_there, runfolder):
                return runfolder
            transaction.set_rollback(True)
        vanish([runfolder.pk])
        gone |= {runfolder.pk}


def set_state_at(host: str, path: str, word: object, *, actor: Actor) -> None:
    """Set the state of the run folder at `path`, whatever it was.

    Raises UnknownState (whatever lies at the path), NotMonitored,
    RunfolderNotFound, DiskTimeout.
    """
    state = parse_state(word)
    runfolder = refresh_path(host, path)
    if runfolder.pk is None:
        raise RunfolderNotFound(f"{runfolder.path} is no run folder.")
    set_state(runfolder.pk, state, actor=actor)


def _light(rows: QuerySet[Runfolder]) -> QuerySet[Runfolder]:
    return rows.only(*FIELDS)


def _gone(rows: Iterable[Runfolder]) -> set[int]:
    return {row.pk for row in rows if not still_there(row)}


def _first_there(rows: Iterable[Runfolder]) -> tuple[Runfolder | None, list[int]]:
    """The first that is on disk, and the ids of those before it that are not."""
    missing: list[int] = []
    for row in rows:
        if still_there(row):
            return row, missing
        missing.append(row.pk)
    return None, missing
