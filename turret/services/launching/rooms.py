"""Where launches work, who works there, and whether it is to be cleared.

A launch that is not resumed makes directories of its own; those that are resumed from
it, and theirs, go on in them. They are cleared together.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from turret.choices import ENDED_LAUNCH, LaunchState
from turret.engine.launching.rooms import Room
from turret.models import Launch
from turret.services.launching.environments import launches_dir
from turret.services.launching.plans import files_of
from turret.services.launching.states import KEEP_LOOKING

# Nextflow's cache: without the work directory nothing can be resumed from it.
CACHE = ".nextflow"
_WANTED = (
    "host",
    "run_name",
    "source",
    "state",
    "state_since",
    "submitted_at",
    "finished_at",
    "directory",
    "launch_dir",
    "work_dir",
    "size_bytes",
    "cleared_at",
    "workflow__workflow_id",
    "compute__work_dir",
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long after the end directories stay; None: for ever."""

    succeeded_after: dt.timedelta | None
    resumable_after: dt.timedelta | None
    with_launch_dir: bool


@dataclass(frozen=True, slots=True)
class Lineage:
    """The launch that has made directories, and all that work in them, the latest
    last."""

    maker: Launch
    users: list[Launch]

    @property
    def is_cleared(self) -> bool:
        return all(user.cleared_at for user in self.users)


@dataclass(frozen=True, slots=True)
class Verdict:
    lineage: Lineage
    is_due: bool
    why: str


def current_policy() -> Policy:
    """That of the configuration, read now."""
    section = settings.CONFIG.turret.launcher
    return Policy(
        _days(section.clear_after_days),
        _days(section.clear_resumable_after_days),
        section.clear_launch_dirs,
    )


def _days(number: float) -> dt.timedelta | None:
    return dt.timedelta(days=number) if number else None


def lineages(host: str) -> Iterator[Lineage]:
    """Of all launches of a host, those that ended longest ago first. One query."""
    # A launch of another host may work in a directory that both see.
    rows = list(_rows().order_by("submitted_at", "pk"))
    makers = {row.launch_id: row for row in rows}
    users: dict[str, list[Launch]] = defaultdict(list)
    for row in rows:
        for launch_id in _makers_of(row) & makers.keys():
            users[launch_id].append(row)
    for launch_id, maker in makers.items():
        if maker.host == host and users[launch_id]:
            yield Lineage(maker, users[launch_id])


def lineage_of(launch: Launch, *, lock: bool = False) -> Lineage:
    """The one in which it works; it has made it itself, unless it was resumed."""
    rows = _rows()
    names = _makers_of(launch) - {launch.launch_id}
    others = rows.filter(workflow__workflow_id__in=names)
    maker = others.order_by("pk").first() or launch
    way = f"/{maker.launch_id}"
    is_in_it = Q(pk=maker.pk) | Q(launch_dir__contains=way) | Q(work_dir__contains=way)
    users = rows.filter(is_in_it).order_by("submitted_at", "pk")
    if lock:
        users = users.select_for_update(of=("self",), no_key=True)
    # A path may hold a name that only begins with the id.
    name = maker.launch_id
    return Lineage(
        maker, [user for user in users if user == maker or name in _makers_of(user)]
    )


def _rows() -> QuerySet[Launch]:
    return Launch.objects.select_related("workflow", "compute").only(*_WANTED)


def _makers_of(launch: Launch) -> set[str]:
    """Ids of the launches in whose directories it may work."""
    paths = (Path(launch.launch_dir), Path(launch.work_dir))
    return {name for path in paths for name in path.parts[1:]}


def rooms_of(maker: Launch, policy: Policy) -> list[Room]:
    """What of its directories may be removed: only what SeqHub has made, where the
    configuration says now that it does. None without the work directory."""
    files, name = files_of(maker), maker.launch_id
    base, work_base = launches_dir(), maker.compute.work_dir
    is_here = files.directory == base / name
    rooms = []
    if is_here and maker.work_dir == str(files.work_dir):
        rooms.append(Room(str(base), (name, files.work_dir.name)))
    elif (
        work_base
        and Path(maker.work_dir) == Path(work_base) / name
        # Where both were configured to be one, its log and results are in it.
        and Path(maker.work_dir) != files.directory
    ):
        rooms.append(Room(work_base, (name,)))
    if rooms and is_here and maker.launch_dir == str(files.launch_dir):
        cache = () if policy.with_launch_dir else (CACHE,)
        rooms.append(Room(str(base), (name, files.launch_dir.name, *cache)))
        if policy.with_launch_dir:  # pipelines write results there, too
            rooms.append(Room(str(base), (name, files.pipeline.name)))
    return rooms


def judge(lineage: Lineage, policy: Policy, now: dt.datetime) -> Verdict:
    """Whether its time has come, going by the rows alone."""
    if obstacle := obstacle_of(lineage, policy, now):
        return Verdict(lineage, False, obstacle)
    last = lineage.users[-1]
    has_succeeded = last.state == LaunchState.SUCCEEDED
    after = policy.succeeded_after if has_succeeded else policy.resumable_after
    ended_at = max(_ended_at(user) for user in lineage.users)
    if after is None:
        word = last.get_state_display()
        why = f"{word}: stays" if has_succeeded else f"{word}: it can be resumed"
        return Verdict(lineage, False, why)
    if now < ended_at + after:
        due = timezone.localtime(ended_at + after)
        return Verdict(lineage, False, f"not before {due:%Y-%m-%d %H:%M %Z}")
    days = (now - ended_at).days
    return Verdict(lineage, True, f"{last.get_state_display()} {days:,} d ago")


def obstacle_of(lineage: Lineage, policy: Policy, now: dt.datetime) -> str:
    """Why it can't be cleared, whoever wants it; empty: it can be."""
    for user in lineage.users:
        if user.state not in ENDED_LAUNCH:
            return f"{user} is {user.get_state_display()} in it"
        if user.state == LaunchState.LOST and now < _ended_at(user) + KEEP_LOOKING:
            return f"{user} is lost, and may turn up for a day"
    if not rooms_of(lineage.maker, policy):
        return (
            f"its work directory {lineage.maker.work_dir} is not one that SeqHub makes,"
            " as it is configured now; SeqHub leaves it alone"
        )
    return ""


def _ended_at(launch: Launch) -> dt.datetime:
    return launch.finished_at or launch.state_since
