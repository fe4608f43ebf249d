"""Reading archives again, so that damage is found while there is another copy."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from archiving.choices import CheckState, Depth, Status
from archiving.models import ArchiveJob, Verification
from archiving.services.policy import current_policy
from archiving.services.verification import OPEN

DAY = dt.timedelta(days=1)


def make_due(host: str) -> int:
    """Ask for verifications so that each archive of this host is read every
    `reverify_days`; answers how many were asked for.

    A share of them a day, those first that were not read for longest: an archive
    is read when half of the time has passed or later, and at once when all of it
    has. What could not be read is tried again the next day.
    """
    days = current_policy().reverify_days
    if not days:
        return 0
    now = timezone.now()
    jobs = _readable(host)
    waiting = _not_waiting(jobs, now)
    overdue = list(waiting.filter(read_at__lte=now - days * DAY))
    asked = Verification.objects.filter(
        job__host=host, requested_by="", requested_at__gt=now - DAY
    ).exclude(depth=Depth.DRILL)
    share = math.ceil(jobs.count() / days) - asked.count() - len(overdue)
    early = waiting.filter(
        read_at__gt=now - days * DAY, read_at__lte=now - days * DAY / 2
    )
    due = [*overdue, *early.order_by("read_at", "pk")[: max(share, 0)]]
    rows = [Verification(job=job, depth=Depth.FULL, requested_at=now) for job in due]
    # Somebody may have asked for one meanwhile.
    Verification.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _readable(host: str) -> QuerySet[ArchiveJob]:
    """Ignored ones, and those that wait to be sealed anew, too: they may be all that
    is left of a run."""
    return ArchiveJob.objects.filter(
        host=host, is_here=True, sealed_at__isnull=False, publishing__isnull=True
    ).exclude(status=Status.PROCESSING)


def _not_waiting(jobs: QuerySet[ArchiveJob], now: dt.datetime) -> QuerySet[Any]:
    """With `read_at`: when they were read last, whatever came out; the beginning of
    time for those that nobody has read since they were adopted."""
    of_job = Verification.objects.filter(job=OuterRef("pk"))
    whole = of_job.filter(
        state__in=(CheckState.OK, CheckState.DAMAGED), ended_at__isnull=False
    ).exclude(depth=Depth.DRILL)
    last = whole.order_by("-ended_at").values("ended_at")[:1]
    tried = of_job.filter(state=CheckState.FAILED, ended_at__gt=now - DAY)
    never = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return jobs.filter(~Exists(of_job.filter(state__in=OPEN)), ~Exists(tried)).annotate(
        read_at=Coalesce(Greatest(Subquery(last), F("verified_at")), never)
    )
