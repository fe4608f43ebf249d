"""What launches that have ended hold: measured, and cleared when that is due."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from seqhub.lib import drain
from seqhub.lib.patience import TimedOut, within
from seqhub.lib.text import printable
from seqhub.lib.units import format_bytes
from seqhub.operations.services.events import SYSTEM
from turret.choices import ENDED_LAUNCH
from turret.engine.launching.rooms import NotRemoved, Walk, check_disk, kept_walk
from turret.models import Launch
from turret.services.launching import attention, locks
from turret.services.launching.clearing import clear_due, finish, ring_to_tidy
from turret.services.launching.environments import launches_dir
from turret.services.launching.plans import files_of
from turret.services.launching.rooms import current_policy, rooms_of
from turret.services.launching.states import record

log = logging.getLogger(__name__)

# django-q2 ends a task after 120 s, and others of the queue wait.
WORK_S = 30
# With what the disk may take until the time is looked at again.
LONGEST_S = 60
_IDLE = 19  # the nice value that lets everybody else go first


def tidy(host: str) -> None:
    """Measure what has ended, remove what is marked, mark what is due, for a while;
    then the bell is rung for the rest. One process a host does so."""
    with locks.exclusive(locks.TIDY, host) as is_mine:
        if not is_mine:
            return
        is_over = time_for_work()
        rows = list(unmeasured(host).values_list("pk", flat=True))
        # One that takes all the time must not keep the others from their turn for ever.
        secrets.SystemRandom().shuffle(rows)
        for pk in rows:
            if is_over() or not _try(pk, is_over):
                break
        else:
            if not clear_due(host, current_policy(), is_over):
                return
    if not drain.is_asked():
        ring_to_tidy(host)


def time_for_work() -> Callable[[], bool]:
    """What tells that WORK_S have passed since, or that the cluster wants to stop."""
    until = time.monotonic() + WORK_S
    return lambda: time.monotonic() >= until or drain.is_asked()


def unmeasured(host: str) -> QuerySet[Launch]:
    """Those that have ended, and of which it is not known what they hold."""
    rows = Launch.objects.filter(host=host, size_bytes=None, state__in=ENDED_LAUNCH)
    same = Launch.objects.filter(launch_dir=OuterRef("launch_dir"))
    return rows.exclude(Exists(same.exclude(state__in=ENDED_LAUNCH)))


def _try(pk: int, is_over: Callable[[], bool]) -> bool:
    """As settle; trouble with one is none of the others'."""
    try:
        return settle(pk, is_over)
    except Exception:
        log.exception("launch %s: it can't be measured or cleared", pk)
        return True


def settle(pk: int, is_over: Callable[[], bool]) -> bool:
    """Remove what is to be removed of a launch, and measure what is left of it; False
    if it `is_over` before. Trouble is told, and the next tick tries again."""
    rows = Launch.objects.select_related("workflow", "compute")
    launch = rows.filter(pk=pk).first()
    if launch is None:
        return True
    try:
        if launch.cleared_at and not finish(launch, is_over):
            return False
        base = launches_dir()
        stamp, places = _stamp_of(launch), _places_of(launch)
        size = within(
            LONGEST_S, str(base), _measure, launch, base, places, stamp, is_over
        )
    except (NotRemoved, OSError, TimedOut) as error:
        why = printable(f"{error}")
        log.warning("%s can't be cleared or measured: %s", launch.launch_id, why)
        if launch.cleared_at:
            attention.not_cleared(launch, why)
        return True
    if size is None:
        return False
    _note(launch, size)
    return True


def _note(launch: Launch, size: int) -> None:
    """Unless it is to be cleared, or was gone on with, since it was looked at."""
    is_same = {"cleared_at": launch.cleared_at, "size_bytes": None}
    with transaction.atomic():
        rows = Launch.objects.filter(pk=launch.pk, **is_same)
        if rows.update(size_bytes=size) and launch.cleared_at:
            said = f"Its work directory is removed; {format_bytes(size)} are left."
            record(launch, "cleared", said, actor=SYSTEM)
            attention.cleared(launch)


def _stamp_of(launch: Launch) -> str:
    """Another one when what was measured in part may have changed since."""
    same = Launch.objects.filter(launch_dir=launch.launch_dir)
    ended_at = same.aggregate(last=Max("finished_at"))["last"]
    return f"{ended_at} {launch.cleared_at}"


def _places_of(launch: Launch) -> list[str]:
    """Its own directory, and its work directory where SeqHub has made that elsewhere;
    what it shares with another is that one's."""
    rooms = rooms_of(launch, current_policy())
    elsewhere = [str(room) for room in rooms if len(room.names) == 1]
    return [launch.directory, *elsewhere]


def _measure(
    launch: Launch,
    base: Path,
    places: list[str],
    stamp: str,
    is_over: Callable[[], bool],
) -> int | None:
    """Bytes; None if it `is_over` before. Raises OSError, also when the disk is not
    there."""
    # On Linux of this thread alone, which does nothing but this.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _IDLE)
    if launch.started_at:
        check_disk(str(base))
    file = files_of(launch).measuring
    walk = kept_walk(file, stamp) or Walk(places)
    if not walk.go_on(is_over):
        walk.keep(file, stamp)
        return None
    file.unlink(missing_ok=True)
    return walk.size_bytes
