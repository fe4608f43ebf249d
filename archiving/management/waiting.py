"""What is not due for sealing, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.utils import timezone

from archiving.choices import Status
from archiving.conf import Registration
from archiving.models import ArchiveJob
from archiving.panels.headline import headline
from archiving.panels.why_not import because_of, why_kept, why_left
from archiving.services.arrivals import (
    Arrival,
    is_below,
    runs_below,
    sentinel_lack_of,
    without_job,
)
from archiving.services.claiming import due_jobs
from archiving.services.policy import Policy
from archiving.services.registration import unwanted
from archiving.services.successors import jobs_with_strangers, successor_of
from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.columns import path_columns


def not_due(host: str, policy: Policy) -> Iterator[tuple[Path, str]]:
    """Where each run folder of a host lies that has no archive and is not sealed by
    itself now, and why in a sentence."""
    jobs = ArchiveJob.objects.filter(host=host).exclude(status=Status.ENCRYPTED)
    waiting = jobs.exclude(pk__in=due_jobs().values("pk")).order_by("created_at", "pk")
    for job in waiting.select_related("runfolder__root"):
        yield job.location, _why_job(job, policy)
    for job in jobs_with_strangers().filter(host=host).order_by("path"):
        if row := successor_of(job):
            yield row.location, because_of(job)
    rows = without_job(Runfolder.objects.filter(host=host, is_present=True))
    rows = rows.select_related("root", "instrument").order_by("path")
    known = {row.path: row for row in rows}
    for location, lack in runs_below(host, policy):
        row = known.pop(path_columns(str(location))["path"], None)
        if why := _why_below(location, row, policy) or lack:
            yield location, why
    for row in known.values():
        if not row.root.is_configured:
            continue
        if why := why_left(row, policy) or _lack(row, policy):
            yield row.location, why


def _why_job(job: ArchiveJob, policy: Policy) -> str:
    is_free = job.status == Status.PENDING and not (job.held_at or job.ignored_at)
    if is_free and job.runfolder and (why := why_kept(job.runfolder)):
        return why
    return headline(job, timezone.now(), is_on=policy.is_on)


def _why_below(location: Path, row: Runfolder | None, policy: Policy) -> str:
    """Empty if only its sentinel can be in the way."""
    if row is None:
        arrival = Arrival(location, location.parent.name, None, "")
        return unwanted(arrival, policy)
    if not row.root.is_configured:
        return f"{row.root.path} is not monitored any more."
    return why_left(row, policy)


def _lack(row: Runfolder, policy: Policy) -> str:
    """Why a run that does not lie where `runs_below` looks is not there whole."""
    if policy.register_when == Registration.SENTINEL:
        return sentinel_lack_of(row, policy)
    if policy.register_when is None and is_below(row.location, policy):
        return f"It is not <sequencer>/<run> in {policy.sequencing_path}."
    if row.sequencing != Sequencing.COMPLETE:
        return f"Sequencing is {row.get_sequencing_display()}."
    return ""
