"""When archives were last read: well or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Max

from archiving.choices import CheckState, Verified
from archiving.models import ArchiveJob, Verification


def last_reads(jobs: Iterable[ArchiveJob]) -> dict[int, dt.datetime | None]:
    """Archive id -> when the look ended that `verification` tells of, if that is
    known. `verified_at` is of the last good one only. One query at the most."""
    jobs = list(jobs)
    found = {job.pk: job.verified_at for job in jobs}
    damaged = [job.pk for job in jobs if job.verification == Verified.DAMAGED]
    if damaged:
        rows = Verification.objects.filter(job__in=damaged, state=CheckState.DAMAGED)
        ends = rows.order_by().values_list("job").annotate(Max("ended_at"))
        found |= dict.fromkeys(damaged) | dict(ends)
    return found


def last_read_at(job: ArchiveJob) -> dt.datetime | None:
    return last_reads([job])[job.pk]
