"""What a run's page shows of its archive, or why there is none yet."""

from __future__ import annotations

from django.http import QueryDict
from django.utils import timezone

from archiving.choices import Status
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
from archiving.panels.why_not import why_not
from archiving.selectors import job_of
from archiving.services.policy import current_policy
from archiving.services.successors import predecessor_of
from runfolders.models import Runfolder
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
