"""Run folders as API clients get them: on disk at the moment of the answer."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from runfolders.errors import RunfolderNotFound
from runfolders.models import Runfolder
from runfolders.selectors import next_ready, present_runfolders
from runfolders.services.presence import note_absent
from runfolders.services.refresh import ask_disk, refresh_path
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

    One `stat` each; what is gone is left out, and the next scan decides of it. So
    is what a disk does not tell of: one that hangs must not hide the others.
    """
    rows = present_runfolders(host).order_by("completed_at", "id")
    if state is not None:
        rows = rows.filter(state=state)
    candidates = list(_light(rows))
    not_there = ask_disk(candidates).not_there
    return [row for row in candidates if row.pk not in not_there]


def next_offer(host: str) -> Runfolder | None:
    """What `pick_up_offer` would hand out now."""
    passed_over: set[int] = set()
    hung: set[int] = set()
    while True:
        rest = next_ready(host).exclude(pk__in=passed_over).exclude(root__in=hung)
        rows = list(_light(rest)[:BATCH])
        answer = ask_disk(rows)
        passed_over |= answer.not_there
        hung |= answer.hung
        found = next((row for row in rows if row.pk not in passed_over), None)
        if found is not None or not rows:
            return found


def pick_up_offer(host: str, *, actor: Actor) -> Runfolder | None:
    """Claim the run folder that has been complete the longest and is on disk.

    It is `pending` from then on; no two callers ever get the same one. A
    claim that finds nothing on disk is undone.
    """
    passed_over: frozenset[int] = frozenset()
    hung: frozenset[int] = frozenset()
    while True:
        # The look at the disk is part of the claim: others pass over the
        # locked row meanwhile, and wait for nothing.
        with transaction.atomic():
            runfolder = pick_up(host, actor=actor, skip=passed_over, skip_roots=hung)
            if runfolder is None:
                return None
            answer = ask_disk([runfolder])
            if not answer.not_there:
                return runfolder
            transaction.set_rollback(True)
        note_absent(answer.gone, now=timezone.now())
        passed_over |= answer.not_there
        hung |= answer.hung


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
