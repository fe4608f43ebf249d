"""The rows that calls are about."""

from __future__ import annotations

from django.db.models import QuerySet

from archiving.errors import ArchiveNotFound
from archiving.models import ArchiveJob
from archiving.selectors import visible_jobs

# Columns that no answer shows.
UNSHOWN = ("raw_path", "wrapped_key", "publishing")


def listed_archives() -> QuerySet[ArchiveJob]:
    return visible_jobs().defer(*UNSHOWN)


def archive_at(pk: int) -> ArchiveJob:
    """Also one that is ignored: its archive is kept. Raises ArchiveNotFound."""
    job = ArchiveJob.objects.filter(pk=pk).first()
    if job is None:
        raise ArchiveNotFound(f"There is no archive {pk}.")
    return job
