"""Run folders that are there whole, by what the configuration takes for that."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Exists, OuterRef, QuerySet

from archiving.conf import Registration, Sentinel
from archiving.models import ArchiveJob
from archiving.services.policy import Policy
from runfolders.choices import RootStatus, Sequencing, State
from runfolders.engine.facts import Unreadable
from runfolders.engine.files import modified_at, read_regular
from runfolders.models import Runfolder
from runfolders.selectors import open_holds, present_runfolders
from runfolders.services.columns import path_columns
from seqhub.lib.patience import TimedOut, patient, within
from seqhub.lib.units import format_duration

# One directory may take so long; a mount that takes longer hangs.
ANSWER_S = 30
STAT_S = 5
SENTINEL_BYTES = 64 * 1024
# API clients have it.
TAKEN = (State.PENDING, State.STARTED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A run folder that may be sealed."""

    location: Path
    sequencer: str
    runfolder: Runfolder | None
    why: str  # for people

    @classmethod
    def of_runfolder(cls, row: Runfolder, why: str) -> Arrival:
        above = path_columns(str(row.location.parent))["name"]
        sequencer = row.instrument.serial if row.instrument else above
        return cls(row.location, sequencer, row, why)


def takeable(host: str) -> QuerySet[Runfolder]:
    """Run folders of a host that may be taken without anybody asking for it:
    nobody holds or ignores them, no API client works on them."""
    return (
        present_runfolders(host)
        .filter(root__status=RootStatus.AVAILABLE)
        .exclude(state__in=TAKEN)
        .exclude(sequencing=Sequencing.VANISHED)
        .filter(~Exists(open_holds().filter(runfolder=OuterRef("pk"))))
        .select_related("instrument", "root")
    )


def complete_runs(host: str, policy: Policy) -> Iterator[Arrival]:
    """In monitored directories, without a job: complete ones, or those with the
    sentinel where the configuration asks for it."""
    rows = without_job(takeable(host))
    if policy.register_when == Registration.SENTINEL:
        for row in rows.order_by("pk"):
            if not sentinel_lack_of(row, policy):
                yield Arrival.of_runfolder(row, f"it has {policy.sentinel.name}")
        return
    complete = rows.filter(sequencing=Sequencing.COMPLETE)
    for row in complete.order_by("completed_at", "pk"):
        if policy.register_when is None and is_below(row.location, policy):
            continue  # there the sentinel decides
        yield Arrival.of_runfolder(row, "it is complete")


def arrivals(host: str, policy: Policy) -> Iterator[Arrival]:
    """`<sequencing_path>/<sequencer>/<run>` without a job that have the sentinel."""
    known = Runfolder.objects.filter(host=host, is_present=True)
    for location, lack in runs_below(host, policy):
        if lack:
            continue
        path = path_columns(str(location))["path"]
        row = known.filter(path=path).first()
        if row is not None and not takeable(host).filter(pk=row.pk).exists():
            continue
        sequencer = path_columns(str(location.parent))["name"]
        yield Arrival(location, sequencer, row, f"it has {policy.sentinel.name}")


def runs_below(host: str, policy: Policy) -> list[tuple[Path, str]]:
    """`<sequencing_path>/<sequencer>/<run>` without a job, each with what its sentinel
    lacks, where that decides.

    A disk that does not answer, or is not there, has none.
    """
    top = policy.sequencing_path
    if top is None or policy.register_when == Registration.COMPLETE:
        return []
    jobs = ArchiveJob.objects.filter(host=host).values_list("path", flat=True)
    looks = _look(top, frozenset(jobs), policy.sentinel)
    try:
        return [seen for seen in patient(ANSWER_S, str(top), looks) if seen]
    except (OSError, TimedOut):
        return []


def without_job(rows: QuerySet[Runfolder]) -> QuerySet[Runfolder]:
    """Those of the run folders that have none, by their rows or their paths."""
    there = ArchiveJob.objects.filter(host=OuterRef("host"), path=OuterRef("path"))
    return rows.filter(
        ~Exists(ArchiveJob.objects.filter(runfolder=OuterRef("pk"))), ~Exists(there)
    )


def inode_of(arrival: Arrival) -> int | None:
    """Raises OSError, TimedOut. None for a folder that another host sees."""
    row = arrival.runfolder
    place = str(arrival.location.parent) if row is None else row.root.path
    return within(STAT_S, place, arrival.location.stat).st_ino


def _look(
    top: Path, known: frozenset[str], sentinel: Sentinel
) -> Iterator[tuple[Path, str] | None]:
    """Runs, and what their sentinels lack; None between them, as a sign of life."""
    for directory in _directories(top, follow=True):
        yield None
        for run in _directories(directory, follow=False):
            is_known = path_columns(str(run))["path"] in known
            yield None if is_known else (run, _lack(run, sentinel))


def _directories(parent: Path, *, follow: bool) -> list[Path]:
    """In order of their names; none if they can't be listed."""
    try:
        with os.scandir(parent) as entries:
            found = [Path(e.path) for e in entries if e.is_dir(follow_symlinks=follow)]
    except OSError:
        return []
    return sorted(found)


def sentinel_lack_of(row: Runfolder, policy: Policy) -> str:
    """A sentence: why its sentinel does not say that it has arrived whole; empty if it
    does."""
    try:
        return within(ANSWER_S, row.root.path, _lack, row.location, policy.sentinel)
    except TimedOut as error:
        return f"{error}."


def _lack(run: Path, sentinel: Sentinel) -> str:
    path = run / sentinel.name
    at = modified_at(path)
    if at is None:
        return f"It has no {sentinel.name}."
    # A clock that is ahead must not matter where no age is asked for.
    if sentinel.min_age_s and time.time() - at < sentinel.min_age_s:
        age = format_duration(sentinel.min_age_s)
        return f"Its {sentinel.name} is younger than {age}."
    try:
        content = read_regular(path, SENTINEL_BYTES)
    except Unreadable as error:
        return str(error)
    if sentinel.content and content.split() != sentinel.content.encode().split():
        return f"Its {sentinel.name} does not hold {sentinel.content}."
    return ""


def is_below(location: Path, policy: Policy) -> bool:
    """Whether it lies in `sequencing_path`, however deep."""
    top = policy.sequencing_path
    return top is not None and location.is_relative_to(top)
