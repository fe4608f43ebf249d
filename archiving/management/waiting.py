"""What is not due for sealing, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.utils import timezone

from archiving.choices import Status
from archiving.conf import Registration
from archiving.models import ArchiveJob
from archiving.panels.headline import headline
from archiving.services.arrivals import (
    TAKEN,
    Arrival,
    is_below,
    runs_below,
    sentinel_lack_of,
    without_job,
)
from archiving.services.claiming import due_jobs
from archiving.services.policy import Policy
from archiving.services.registration import unwanted
from runfolders.choices import RootStatus, Sequencing
from runfolders.models import Runfolder
from runfolders.selectors import open_hold
from runfolders.services.columns import path_columns


def not_due(host: str, policy: Policy) -> Iterator[tuple[Path, str]]:
    """Where each run folder of a host lies that has no archive and is not sealed by
    itself now, and why."""
    jobs = ArchiveJob.objects.filter(host=host).exclude(status=Status.ENCRYPTED)
    waiting = jobs.exclude(pk__in=due_jobs().values("pk")).order_by("created_at", "pk")
    for job in waiting.select_related("runfolder__root"):
        yield job.location, _why_job(job, policy)
    rows = without_job(Runfolder.objects.filter(host=host, is_present=True))
    rows = rows.select_related("root", "instrument").order_by("path")
    known = {row.path: row for row in rows}
    for location, lack in runs_below(host, policy):
        row = known.pop(path_columns(str(location))["path"], None)
        if why := _why_run(location, row, policy) or lack:
            yield location, why
    for row in known.values():
        if not row.root.is_configured:
            continue
        if why := _why_run(row.location, row, policy) or _lack(row, policy):
            yield row.location, why


def _why_job(job: ArchiveJob, policy: Policy) -> str:
    is_free = job.status == Status.PENDING and not (job.held_at or job.ignored_at)
    if is_free and job.runfolder and (why := _why_kept(job.runfolder)):
        return why
    return headline(job, timezone.now(), is_on=policy.is_on).rstrip(".")


def _why_run(location: Path, row: Runfolder | None, policy: Policy) -> str:
    """Empty if nothing but its being complete is in the way."""
    if policy.register_when == Registration.BY_HAND:
        return "archiving.register_when is by_hand"
    if row is None:
        return unwanted(Arrival(location, location.parent.name, None, ""), policy)
    if not row.root.is_configured:
        return f"{row.root.path} is not monitored any more"
    return _why_kept(row) or unwanted(Arrival.of_runfolder(row, ""), policy)


def _why_kept(row: Runfolder) -> str:
    """What keeps everything automatic away from it."""
    if row.ignored_at:
        return "the run is ignored"
    if row.root.status == RootStatus.MISSING:
        return f"{row.root.path} is missing"
    if hold := open_hold(row.pk):
        return f"{hold.held_by} holds the run: {hold.reason}"
    return f"a client has it: its state is {row.state}" if row.state in TAKEN else ""


def _lack(row: Runfolder, policy: Policy) -> str:
    """Why a run that does not lie where `runs_below` looks is not there whole."""
    if policy.register_when == Registration.SENTINEL:
        return sentinel_lack_of(row, policy)
    if policy.register_when is None and is_below(row.location, policy):
        return f"it is not <sequencer>/<run> in {policy.sequencing_path}"
    if row.sequencing != Sequencing.COMPLETE:
        return f"sequencing is {row.get_sequencing_display()}"
    return ""
