"""Reads that more than one door needs."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from archiving.choices import Status
from archiving.errors import AmbiguousRun, ArchiveNotFound
from archiving.models import ArchiveJob, Progress


@dataclass(frozen=True, slots=True)
class ProgressView:
    """How far long work is, as pages and answers show it."""

    stage: str
    percent: float | None  # of the stage; None where nobody knows the end
    rate_bytes_s: float | None
    eta_s: float | None  # to the end of the stage
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int | None


def visible_jobs() -> QuerySet[ArchiveJob]:
    """All that lists show: what nobody wants ignored."""
    return ArchiveJob.objects.filter(ignored_at=None)


def running_jobs() -> QuerySet[ArchiveJob]:
    return ArchiveJob.objects.filter(status=Status.PROCESSING)


def find_jobs(word: str) -> QuerySet[ArchiveJob]:
    """Archives that a person may mean: by path, name, run or `sequencer/run`."""
    path = word.rstrip("/") or word
    meant = Q(path=path) | Q(name=word) | Q(run_name=word)
    sequencer, _, run = word.partition("/")
    if sequencer and run:
        meant |= Q(sequencer=sequencer, run_name=run)
    return ArchiveJob.objects.filter(meant)


def one_job(word: str) -> ArchiveJob:
    """The one archive that is meant. Raises ArchiveNotFound, AmbiguousRun."""
    found = list(find_jobs(word).order_by("pk")[:10])
    if not found:
        raise ArchiveNotFound(
            f"There is no archive of {word}. Archives are known by their names, and by"
            " name, sequencer/run or path of their runs."
        )
    if len(found) > 1:
        paths = ", ".join(job.path for job in found)
        raise AmbiguousRun(
            f"Several archives are called {word}. Say which by its path: {paths}.",
            candidates=[job.path for job in found],
        )
    return found[0]


def job_of(runfolder_id: int) -> ArchiveJob | None:
    """The archive of a run folder, the youngest if it has several."""
    return ArchiveJob.objects.filter(runfolder=runfolder_id).order_by("pk").last()


def progress_of(row: Progress) -> ProgressView:
    """Of a job, a verification or a restore that is being worked on."""
    percent = eta_s = None
    if row.bytes_total:
        percent = min(100 * row.bytes_done / row.bytes_total, 100)
        if row.rate_bytes_s:
            left = max(row.bytes_total - row.bytes_done, 0)
            eta_s = left / row.rate_bytes_s
    elif row.files_total:
        percent = min(100 * row.files_done / row.files_total, 100)
    return ProgressView(
        stage=row.stage,
        percent=percent,
        rate_bytes_s=row.rate_bytes_s,
        eta_s=eta_s,
        bytes_done=row.bytes_done,
        bytes_total=row.bytes_total,
        files_done=row.files_done,
        files_total=row.files_total,
    )
