"""Work directories of launches that have ended: removed when their time has come, or
when a person says so.

First the rows say that they are cleared: nothing is resumed from then on. What is on
disk is removed by the launch's host, again and again until all of it is gone; then the
size of what is left is told.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from seqhub.lib import queues
from seqhub.lib.patience import TimedOut, within
from seqhub.lib.text import printable
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.services.doorbell import ring
from seqhub.operations.services.events import SYSTEM, Actor
from turret.choices import ENDED_LAUNCH, UNDER_WAY, Status
from turret.engine.launching import rooms as engine
from turret.engine.launching.rooms import NotRemoved, Room
from turret.errors import UnknownLaunch
from turret.models import Launch, Workflow
from turret.services.launching import locks
from turret.services.launching.environments import launches_dir
from turret.services.launching.rooms import (
    Lineage,
    Policy,
    Verdict,
    current_policy,
    judge,
    lineage_of,
    lineages,
    obstacle_of,
    rooms_of,
)
from turret.services.launching.states import KEEP_LOOKING, record

# A look at links, a rename.
ANSWER_S = 10
# A removal, with what the disk may take until the time is looked at again.
LONGEST_S = 60


def clear(pk: int, *, actor: Actor, reason: str = "") -> Lineage:
    """Have the directories cleared in which a launch has worked, for all that have:
    its host does so soon, and none of them can be resumed any more.

    Raises UnknownLaunch, and IllegalTransition when that can't be.
    """
    launch = Launch.objects.select_related("workflow", "compute").filter(pk=pk).first()
    if launch is None:
        raise UnknownLaunch("The launch is no longer known.")
    policy = current_policy()

    def check(lineage: Lineage) -> str:
        if lineage.is_cleared:
            return "it was cleared already"
        return obstacle_of(lineage, policy, timezone.now())

    words = f"Its work directory is to be removed. {reason}"
    with transaction.atomic():
        if problem := _mark(launch, check, actor, words):
            raise IllegalTransition(f"{launch} can't be cleared: {problem}.")
        lineage = lineage_of(launch)
        for host in {user.host for user in lineage.users}:
            ring_to_tidy(host)
    return lineage


def ring_to_tidy(host: str) -> None:
    """Have what is marked removed soon, and sizes measured."""
    ring("turret.tasks.tidy_launches", host, queue=queues.local(host))


def verdicts(host: str, policy: Policy) -> Iterator[Verdict]:
    """What is to become of the directories of a host's launches that were not cleared
    yet. Looks at the disk where one is due."""
    for lineage in _uncleared(host):
        verdict = judge(lineage, policy, timezone.now())
        yield _looked_at(verdict, policy) if verdict.is_due else verdict


def _uncleared(host: str) -> Iterator[Lineage]:
    return (lineage for lineage in lineages(host) if not lineage.is_cleared)


def clear_due(host: str, policy: Policy, is_over: Callable[[], bool]) -> int:
    """Mark those whose time has come, until `is_over`; how many."""
    if policy.succeeded_after is None and policy.resumable_after is None:
        return 0
    judged = [judge(one, policy, timezone.now()) for one in _uncleared(host)]
    due = [verdict for verdict in judged if verdict.is_due]
    # What can't be cleared must not keep the others from their turn for ever.
    secrets.SystemRandom().shuffle(due)
    count = 0
    for verdict in due:
        if is_over():
            break
        if _looked_at(verdict, policy).is_due:
            count += clear_one(verdict, policy, actor=SYSTEM)
    return count


def clear_one(verdict: Verdict, policy: Policy, *, actor: Actor) -> bool:
    """Mark one that is due; False if it is not any longer."""

    def check(lineage: Lineage) -> str:
        now = judge(lineage, policy, timezone.now())
        return "" if now.is_due and not lineage.is_cleared else now.why

    words = f"Its work directory is to be removed: {verdict.why}."
    with transaction.atomic():
        return not _mark(verdict.lineage.maker, check, actor, words)


def _mark(
    launch: Launch, check: Callable[[Lineage], str], actor: Actor, words: str
) -> str:
    """Say that its lineage is cleared, in the caller's transaction; why not, if
    `check` has found something."""
    lineage = _locked(launch)
    if problem := check(lineage) or _run_in(lineage):
        return problem
    for user in lineage.users:
        if user.cleared_at is None:
            data = {"size_bytes": user.size_bytes}
            record(user, "clearing", words, actor=actor, data=data)
        user.cleared_at = user.cleared_at or timezone.now()
        user.size_bytes = None
        user.save(update_fields=["cleared_at", "size_bytes"])
    return ""


def _locked(launch: Launch) -> Lineage:
    """Until the transaction ends nobody else can begin to work in it."""
    maker = lineage_of(launch).maker
    locks.wait_for_directories(maker.launch_dir, maker.work_dir)
    return lineage_of(maker, lock=True)


def _looked_at(verdict: Verdict, policy: Policy) -> Verdict:
    """With what runs of others, and the disk, say against it."""
    if why := _run_in(verdict.lineage):
        return Verdict(verdict.lineage, False, why)
    maker = verdict.lineage.maker
    until = time.monotonic() + ANSWER_S
    try:
        why = within(
            2 * ANSWER_S,
            str(launches_dir()),
            _obstacle_on_disk,
            rooms_of(maker, policy),
            _results_of(verdict.lineage, policy),
            lambda: time.monotonic() >= until,
        )
    except (OSError, TimedOut) as error:
        why = printable(f"{error}")
    return Verdict(verdict.lineage, False, why) if why else verdict


def _run_in(lineage: Lineage) -> str:
    """Which run that somebody has started in a shell is under way there, or who reads
    there; empty: none that is traced."""
    way = f"/{lineage.maker.launch_id}"
    is_in_it = Q(launch_dir__contains=way) | Q(work_dir__contains=way)
    since = timezone.now() - KEEP_LOOKING
    may_be_alive = Q(status__in=UNDER_WAY) | Q(
        status=Status.UNKNOWN, last_seen_at__gt=since
    )
    rows = Workflow.objects.filter(is_in_it, may_be_alive, launch=None)
    if found := rows.only("run_name", "workflow_id").first():
        return f"{found} is under way in it"
    return _results_in(lineage, way) or _read_by(way)


def _results_in(lineage: Lineage, way: str) -> str:
    """Whose results, of no launch of the lineage, were told to go there."""
    rooms = [str(room) for room in rooms_of(lineage.maker, current_policy())]
    others = Launch.objects.exclude(pk__in=[user.pk for user in lineage.users])
    told = others.annotate(outdir=KeyTextTransform("outdir", "params"))
    rows = told.filter(cleared_at=None, outdir__contains=way)
    for other in rows.select_related("workflow"):
        place = Path(str(other.params["outdir"]))
        if any(place.is_relative_to(room) for room in rooms):
            return f"results of {other} are in it"
    return ""


def _read_by(way: str) -> str:
    """Which launch that has not ended, or run of a shell, was told to read there."""
    told = Cast("params", TextField())
    is_told = Q(told__contains=way) | Q(project_dir__contains=way)
    launches = Launch.objects.exclude(state__in=ENDED_LAUNCH).annotate(told=told)
    is_told_more = Q(source__contains=way) | Q(config_text__contains=way)
    runs = Workflow.objects.filter(launch=None, status__in=UNDER_WAY)
    found = (
        launches.select_related("workflow").filter(is_told | is_told_more).first()
        or runs.annotate(told=told).filter(is_told).first()
    )
    return f"{found} is under way, and may read in it" if found else ""


def _results_of(lineage: Lineage, policy: Policy) -> list[str]:
    """Directories that stay, and in which its results may be, as far as is known."""
    way = f"/{lineage.maker.launch_id}"
    rows = Launch.objects.filter(pk__in=[user.pk for user in lineage.users])
    of_launches = rows.values_list("params__outdir", "workflow__output_dir")
    # Also those of what somebody has run there in a shell.
    is_in_it = Q(launch_dir__contains=way) | Q(work_dir__contains=way)
    runs = Workflow.objects.filter(is_in_it, launch=None)
    of_runs = runs.values_list("params__outdir", "output_dir")
    told = (*of_launches, *of_runs)
    places = {place for both in told for place in both if isinstance(place, str)}
    if not policy.with_launch_dir:
        places.add(lineage.maker.launch_dir)
    return sorted(place for place in places if place.startswith("/"))


def _obstacle_on_disk(
    rooms: list[Room], places: list[str], is_over: Callable[[], bool]
) -> str:
    for room in rooms:
        if engine.is_link(room):
            return f"{room} is a link, and is left alone"
    work, *others = rooms
    for place in places:
        if engine.lies_in(place, work):
            return printable(f"results are in it, in {place}")
        if engine.leads_into(place, str(work), is_over):
            return printable(f"results in {place} are links into it")
        # Of what holds one of them, or goes with it, links are its own.
        if any(
            engine.lies_in(str(room), place) or engine.lies_in(place, room)
            for room in others
        ):
            continue
        for room in others:
            if engine.leads_into(place, str(room), is_over):
                return printable(f"results in {place} are links into {room}")
    return ""


def finish(launch: Launch, is_over: Callable[[], bool]) -> bool:
    """Remove what is there of the directories of a launch that is marked, until
    `is_over`; whether nothing is left. May be repeated, by several at once.

    Raises OSError, TimedOut, NotRemoved.
    """
    for room in rooms_of(launch, current_policy()):
        if launch.started_at:
            within(ANSWER_S, room.root, engine.check_disk, room.root)
        if within(ANSWER_S, room.root, engine.is_link, room):
            raise NotRemoved(f"{room} is a link, and what it leads to is left alone.")
        if within(ANSWER_S, room.root, engine.is_same, room, launch.directory):
            raise NotRemoved(f"{room} is {launch.directory}, which holds its log, too.")
        while True:
            if not within(LONGEST_S, room.root, engine.remove_aside, room, is_over):
                return False
            if not _set_aside(launch, room):
                break
    return True


def _set_aside(launch: Launch, room: Room) -> bool:
    """False when there is nothing. Raises NotRemoved when it is used again."""
    with transaction.atomic():
        lineage = _locked(launch)
        for user in lineage.users:
            if user.cleared_at is None:
                raise NotRemoved(f"{user} works in it, too.")
        if why := _run_in(lineage):
            raise NotRemoved(f"{why}.")
        return within(ANSWER_S, room.root, engine.set_aside, room)
