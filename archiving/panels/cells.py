"""The cells of the list of archives that move while somebody looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.utils.html import format_html
from django.utils.safestring import SafeString

from archiving.choices import CheckState, Status, Verified
from archiving.models import ArchiveJob, Progress, Verification
from archiving.panels.chips import check_chip, extra_chips, status_chip, verified_chip
from archiving.panels.links import archive_link
from archiving.panels.progress import bar_of
from runfolders.models import Runfolder
from seqhub.lib import markup
from seqhub.lib.markup import Chip


def open_verifications(jobs: Iterable[ArchiveJob]) -> dict[int, Verification]:
    """Archive id -> the verification that is asked for or running. One query."""
    rows = Verification.objects.filter(
        job__in=list(jobs), state__in=[CheckState.REQUESTED, CheckState.RUNNING]
    )
    return {row.job_id: row for row in rows}


def status_cell(job: ArchiveJob) -> SafeString:
    chips = [status_chip(job), *extra_chips(job)]
    return markup.row(markup.chip(chip) for chip in chips)


def verified_cell(
    job: ArchiveJob, looking: Verification | None, read_at: dt.datetime | None
) -> SafeString:
    """What the last look said, and the look that goes on."""
    if looking is not None and looking.state == CheckState.RUNNING:
        return progress_bar(looking)
    if looking is not None:
        chip = markup.chip(verified_chip(job, read_at))
        return markup.row([chip, _chip_of(looking)])
    if not job.sealed_at:
        return markup.faint("–")
    chip = markup.chip(verified_chip(job, read_at))
    if read_at is None:
        return chip
    return format_html('{}<div class="below">{}</div>', chip, markup.since(read_at))


def archive_cells(runs: Iterable[Runfolder]) -> dict[int, SafeString]:
    """Run folder id -> how its archive is, the youngest if it has several, with a
    link to it. One query."""
    jobs = ArchiveJob.objects.filter(runfolder__in=list(runs)).order_by("pk")
    return {
        job.runfolder_id: format_html(
            '<a id="archive-of-{}" href="{}">{}</a>',
            job.runfolder_id,
            archive_link(job),
            markup.chip(_sealed_chip(job)),
        )
        for job in jobs.defer("wrapped_key", "publishing", "raw_path")
        if job.runfolder_id is not None
    }


def _sealed_chip(job: ArchiveJob) -> Chip:
    if job.status == Status.ENCRYPTED and job.verification == Verified.DAMAGED:
        return verified_chip(job, None)
    return status_chip(job)


def progress_cell(job: ArchiveJob) -> SafeString:
    """A bar while it is being sealed, else how long it has been so."""
    if job.status == Status.PROCESSING:
        return progress_bar(job)
    if job.status == Status.ENCRYPTED and job.sealed_at:
        return format_html("sealed {}", markup.since(job.sealed_at))
    if job.status == Status.FAILED:
        return format_html("failed {}", markup.since(job.status_since))
    if job.not_before and not job.held_at:
        return format_html("tries again {}", markup.since(job.not_before))
    return format_html("since {}", markup.since(job.status_since))


def progress_bar(row: Progress) -> SafeString:
    found = bar_of(row)
    if found.percent is None:
        return format_html("{}", found.words)
    return format_html(
        '<div class="labelled-bar">{}<span>{}</span></div>',
        markup.bar(found.percent, 100, found.words),
        found.words,
    )


def _chip_of(row: Verification) -> SafeString:
    return markup.chip(check_chip(row))
