"""Run folders that lie where another one was sealed from: a run that was transferred
again, or a name that was used twice. Their path has an archive, which is not theirs.
"""

from __future__ import annotations

from pathlib import Path

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from archiving.choices import RestoreState
from archiving.models import ArchiveJob, Restore
from runfolders.engine.listing import inode_of
from runfolders.models import Runfolder
from runfolders.services.columns import path_columns

_IN_PLACE = (RestoreState.REQUESTED, RestoreState.RUNNING, RestoreState.AVAILABLE)


def jobs_with_strangers() -> QuerySet[ArchiveJob]:
    """Those at whose path a run folder lies that is not the one they are linked to.
    It may be a successor, or their own of which they don't know yet."""
    there = Runfolder.objects.filter(
        host=OuterRef("host"), path=OuterRef("path"), is_present=True
    )
    return ArchiveJob.objects.filter(
        Q(runfolder=None)
        | Q(runfolder__is_present=False)
        | ~Q(path=F("runfolder__path")),
        Exists(there),
    )


def stranger_of(job: ArchiveJob) -> Runfolder | None:
    """The run folder at the job's path, unless it is the one it is linked to."""
    there = Runfolder.objects.filter(host=job.host, path=job.path, is_present=True)
    return there.exclude(pk=job.runfolder_id or 0).first()


def successor_of(job: ArchiveJob) -> Runfolder | None:
    """The run folder at the job's path that its archive was not made of."""
    row = stranger_of(job)
    return row if row is not None and _is_successor(row, job) else None


def predecessor_of(run: Runfolder) -> ArchiveJob | None:
    """The job whose archive keeps this run from having one of its own."""
    job = ArchiveJob.objects.filter(host=run.host, path=run.path).first()
    if job is None or job.runfolder_id == run.pk or not _is_successor(run, job):
        return None
    return job


def _is_successor(row: Runfolder, job: ArchiveJob) -> bool:
    if job.sealed_at is None or row.first_seen_at <= job.sealed_at:
        return False  # what will be sealed, or was sealed last, is this one
    if job.runfolder_id is None and job.inode in (None, inode_of(row.signature)):
        return False  # sealed before anybody watched its directory
    return not is_restored(row.location)


def is_restored(location: Path) -> bool:
    """Whether a restore has put a run there, or is about to."""
    restores = Restore.objects.filter(
        target=path_columns(str(location.parent))["path"],
        job__run_name=path_columns(str(location))["name"],
        state__in=_IN_PLACE,
    )
    return restores.exists()
