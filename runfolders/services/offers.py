"""Run folders as API clients get them: on disk at the moment of the answer."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from runfolders.errors import RunfolderNotFound
from runfolders.models import Runfolder
from runfolders.selectors import next_ready, present_runfolders
from runfolders.services.refresh import gone_from_disk, refresh_path, vanish
from runfolders.services.states import parse_state, pick_up, set_state
from seqhub.operations.services.events import Actor

# What Arteria's answers and the look at the disk need of a row.
FIELDS = (
    "root__path",
    "host",
    "path",
    "raw_path",
    "state",
    "reagent_kit_barcode",
    "library_tube",
)
# How many candidates `next` looks at together; most often the first is there.
BATCH = 5


def offered(host: str, state: str | None = None) -> list[Runfolder]:
    """The run folders of `host` in `state` (None: in any), first completed first.

    One `stat` each; what is gone is left out and marked. So is, unmarked, what a
    hung disk does not tell of: it must not hide the others.
    """
    rows = present_runfolders(host).order_by("completed_at", "id")
    if state is not None:
        rows = rows.filter(state=state)
    candidates = list(_light(rows))
    gone, silent = gone_from_disk(candidates)
    vanish(sorted(gone))
    return [row for row in candidates if row.pk not in gone | silent]


def next_offer(host: str) -> Runfolder | None:
    """What `pick_up_offer` would hand out now."""
    passed_over: set[int] = set()
    while rows := list(_light(next_ready(host).exclude(pk__in=passed_over))[:BATCH]):
        gone, silent = gone_from_disk(rows)
        vanish(sorted(gone))
        passed_over |= gone | silent
        found = next((row for row in rows if row.pk not in passed_over), None)
        if found is not None:
            return found
    return None


def pick_up_offer(host: str, *, actor: Actor) -> Runfolder | None:
    """Claim the run folder that has been complete the longest and is on disk.

    It is `pending` from then on; no two callers ever get the same one. A
    claim that finds nothing on disk is undone.
    """
    passed_over: frozenset[int] = frozenset()
    while True:
        # The look at the disk is part of the claim: others pass over the
        # locked row meanwhile, and wait for nothing.
        with transaction.atomic():
            runfolder = pick_up(host, actor=actor, skip=passed_over)
            if runfolder is None:
                return None
            gone, silent = gone_from_disk([runfolder])
            if not gone | silent:
                return runfolder
            transaction.set_rollback(True)
        vanish(gone)
        passed_over |= gone | silent


def set_state_at(host: str, path: str, word: object, *, actor: Actor) -> None:
    """Set the state of the run folder at `path`, whatever it was.

    Raises UnknownState (whatever lies at the path), NotMonitored,
    RunfolderNotFound, TimedOut.
    """
    state = parse_state(word)
    runfolder = refresh_path(host, path)
    if runfolder.pk is None:
        raise RunfolderNotFound(f"{runfolder.path} is no run folder.")
    set_state(runfolder.pk, state, actor=actor)


def _light(rows: QuerySet[Runfolder]) -> QuerySet[Runfolder]:
    return rows.select_related("root").only(*FIELDS)
