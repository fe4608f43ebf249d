"""What a run's page shows of its archive, or why there is none yet."""

from __future__ import annotations

from fnmatch import fnmatchcase

from django.http import QueryDict
from django.utils import timezone

from archiving.choices import Status
from archiving.conf import Registration
from archiving.models import ArchiveJob
from archiving.panels.chips import extra_chips, status_chip, verified_chip
from archiving.panels.headline import headline
from archiving.panels.job_page import (
    attempts_panel,
    copies_panel,
    keys_panel,
    restores_panel,
)
from archiving.panels.links import archive_link
from archiving.panels.progress import Bar, amounts, bar_of
from archiving.panels.reads import last_read_at
from archiving.selectors import job_of
from archiving.services.policy import Policy, current_policy
from archiving.services.successors import is_restored, predecessor_of
from runfolders.choices import Sequencing, State
from runfolders.models import Runfolder
from runfolders.selectors import open_hold
from seqhub.lib.markup import Chip
from seqhub.lib.panels import Panel, Tab, Track


def tracks(run: Runfolder) -> list[Track]:
    """Where its archive is; nothing where nothing is sealed."""
    job = job_of(run.pk)
    if job is None:
        if not current_policy().is_on:
            return []
        title = why_not(run, current_policy())
        return [Track("Archive", Chip("not yet", "default", "lock_open", title))]
    if job.status == Status.PROCESSING:
        return [Track("Archive", status_chip(job), bar_of(job).words)]
    if job.status == Status.ENCRYPTED and job.sealed_at:
        return [
            Track("Archive", status_chip(job)),
            Track("Read back", verified_chip(job, last_read_at(job))),
        ]
    return [Track("Archive", status_chip(job))]


def tabs(run: Runfolder) -> list[Tab]:
    return [Tab("archive", "Archive", lambda query: _panels(run, query))]


def _panels(run: Runfolder, query: QueryDict) -> list[Panel]:
    job = job_of(run.pk)
    if job is None:
        policy = current_policy()
        is_free = predecessor_of(run) is None
        content = {
            "run": run,
            "why": why_not(run, policy),
            "may_begin": policy.is_on and run.is_present and is_free,
        }
        return [
            Panel("archive", "Archive", "archiving/panels/no_archive.html", content)
        ]
    panels = [_summary(job), keys_panel(job), attempts_panel(job, query)]
    if job.sealed_at:
        panels += [copies_panel(job), restores_panel(job, query)]
    return panels


def _summary(job: ArchiveJob) -> Panel:
    bar: Bar | None = bar_of(job) if job.status == Status.PROCESSING else None
    read_at = last_read_at(job)
    return Panel(
        "archive",
        "Archive",
        "archiving/panels/summary.html",
        {
            "job": job,
            "link": archive_link(job),
            "files_link": archive_link(job, "files"),
            "headline": headline(
                job,
                timezone.now(),
                is_on=current_policy().is_on,
                eta_s=bar.eta_s if bar else None,
                read_at=read_at,
            ),
            "chips": [status_chip(job), verified_chip(job, read_at), *extra_chips(job)],
            "bar": bar,
            "amounts": amounts(job) if bar else "",
        },
        link=archive_link(job),
    )


def why_not(run: Runfolder, policy: Policy) -> str:
    """A sentence: what keeps a run from being sealed that has no archive yet."""
    if not policy.is_on:
        return "Sealing is off: the configuration names no destination or no recipient."
    if not run.is_present:
        return "The run folder is no longer on disk, and it was never sealed."
    if job := predecessor_of(run):
        return (
            f"Another folder was sealed from here, as {job.name}. Seal that archive "
            "anew to archive what lies here now."
        )
    if run.ignored_at:
        return "The run is ignored."
    if is_restored(run.location):
        return "It was restored from an archive, and is not sealed again by itself."
    if hold := open_hold(run.pk):
        return f"The run is on hold: {hold.reason.rstrip('.')}."
    above = run.location.parent.name
    for glob in policy.ignore:
        if fnmatchcase(run.name, glob) or fnmatchcase(above, glob):
            return f"archiving.ignore leaves it out: {glob}."
    return _when_due(run, policy)


def _when_due(run: Runfolder, policy: Policy) -> str:
    if policy.register_when == Registration.BY_HAND:
        return "Runs are sealed here only when somebody asks for it."
    if _waits_for_sentinel(run, policy):
        return f"It waits for the file {policy.sentinel.name} in the run folder."
    if run.sequencing != Sequencing.COMPLETE:
        return "It is sealed once the run is complete."
    if run.state in (State.PENDING, State.STARTED):
        word = State(run.state).label
        return f"An API client has the run ({word}); it is sealed when that is over."
    return "It is complete and is taken within a minute."


def _waits_for_sentinel(run: Runfolder, policy: Policy) -> bool:
    """Does the transfer's file decide for this run?"""
    if policy.register_when is None:
        top = policy.sequencing_path
        return top is not None and run.location.is_relative_to(top)
    return policy.register_when == Registration.SENTINEL
