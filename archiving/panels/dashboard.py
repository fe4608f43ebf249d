"""What the dashboard shows of archives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, QuerySet, When, Window
from django.db.models import Count as CountOf
from django.utils import timezone

from archiving.choices import RestoreState, Status, Verified
from archiving.models import Restore, Verification
from archiving.panels.chips import check_chip, restore_chip, status_chip
from archiving.panels.links import archive_link, archives_link, restore_link
from archiving.panels.progress import Bar, bar_of
from archiving.panels.space import destination_space
from archiving.selectors import visible_jobs
from archiving.services.policy import current_policy
from seqhub.lib.markup import Chip
from seqhub.lib.panels import Count, Panel

SHOWN = 6


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A seal, a verification or a restore that goes on."""

    key: str
    name: str
    link: str
    what: str
    chip: Chip
    bar: Bar


def sealing_panel() -> Panel:
    """What is being sealed, read back and restored, and what waits."""
    policy = current_policy()
    seals, waiting = _seals()
    lines = [*seals, *_verifications(), *_restores()]
    return Panel(
        "sealing",
        "Sealing",
        "archiving/panels/sealing.html",
        {
            "lines": lines[:SHOWN],
            "more": max(len(lines) - SHOWN, 0),
            "waiting": waiting,
            "waiting_link": archives_link(show="waiting"),
            "running_link": archives_link(show="running"),
            "is_on": policy.is_on,
            "space": destination_space(policy.destination)
            if policy.destination
            else None,
        },
        link=archives_link(),
        is_live=bool(lines),
    )


def _seals() -> tuple[list[WorkLine], int]:
    """What is being sealed, and how many wait for it. One query."""
    is_waiting = Q(status=Status.PENDING, held_at=None)
    rows: QuerySet[Any] = visible_jobs().filter(
        is_waiting | Q(status=Status.PROCESSING)
    )
    rows = rows.annotate(waiting=Window(CountOf("pk", filter=is_waiting)))
    running_first = Case(When(status=Status.PROCESSING, then=0), default=1)
    rows = rows.order_by(running_first, "status_since")
    found = list(rows.defer("wrapped_key", "publishing")[: SHOWN + 1])
    lines = [
        WorkLine(
            f"seal-{job.pk}",
            job.run_name,
            archive_link(job),
            "being sealed",
            status_chip(job),
            bar_of(job),
        )
        for job in found
        if job.status == Status.PROCESSING
    ]
    return lines, found[0].waiting if found else 0


def _verifications() -> list[WorkLine]:
    rows = Verification.objects.filter(state="running").order_by("started_at")
    return [
        WorkLine(
            f"verification-{row.pk}",
            row.job.run_name,
            archive_link(row.job, "verifications"),
            "being verified",
            check_chip(row),
            bar_of(row),
        )
        for row in rows.select_related("job")[: SHOWN + 1]
    ]


def _restores() -> list[WorkLine]:
    rows = Restore.objects.filter(state=RestoreState.RUNNING).order_by("started_at")
    return [
        WorkLine(
            f"restore-{row.pk}",
            row.job.run_name,
            restore_link(row),
            "being restored",
            restore_chip(row),
            bar_of(row),
        )
        for row in rows.select_related("job")[: SHOWN + 1]
    ]


def today() -> list[Count]:
    """What was sealed since midnight in the site's zone; nothing where sealing is
    off and never was on."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    numbers = visible_jobs().aggregate(
        known=CountOf("pk"),
        sealed=CountOf("pk", filter=Q(sealed_at__gte=midnight)),
        damaged=CountOf("pk", filter=Q(verification=Verified.DAMAGED)),
        failed=CountOf("pk", filter=Q(status=Status.FAILED)),
    )
    if not current_policy().is_on and not numbers["known"]:
        return []
    counts = [
        Count(
            numbers["sealed"],
            "sealed",
            archives_link(sealed_at__gte=midnight.isoformat()),
            "success",
        )
    ]
    if numbers["failed"]:
        link = archives_link(show="failed")
        counts.append(Count(numbers["failed"], "not sealed", link, "danger"))
    if numbers["damaged"]:
        link = archives_link(show="damaged")
        counts.append(Count(numbers["damaged"], "damaged", link, "danger"))
    return counts
