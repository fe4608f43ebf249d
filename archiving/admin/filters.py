"""The ready-made views of the list of archives."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from archiving.choices import Status, Verified
from archiving.models import ArchiveJob
from seqhub.operations.admin.views import View, ViewFilter, Views, links_to
from seqhub.operations.selectors import open_attention

VISIBLE = Q(ignored_at=None)

VIEWS: Views = {
    "": ("All", VISIBLE, True),
    "attention": ("Needs attention", VISIBLE & Q(needs_attention=True), True),
    "running": ("Running", VISIBLE & Q(status=Status.PROCESSING), True),
    "waiting": (
        "Waiting",
        VISIBLE & Q(status=Status.PENDING, held_at=None),
        True,
    ),
    "sealed": ("Sealed", VISIBLE & Q(status=Status.ENCRYPTED), True),
    "held": ("On hold", VISIBLE & Q(held_at__isnull=False), False),
    "failed": ("Failed", VISIBLE & Q(status=Status.FAILED), False),
    "damaged": ("Damaged", VISIBLE & Q(verification=Verified.DAMAGED), False),
    "unverified": (
        "Never verified",
        VISIBLE & Q(status=Status.ENCRYPTED, verification=Verified.NONE),
        False,
    ),
    "ignored": ("Ignored", ~VISIBLE, False),
}


def annotated(rows: QuerySet[ArchiveJob]) -> QuerySet[Any]:
    """Each archive with `needs_attention`."""
    subject = Concat(Value("archivejob:"), Cast(OuterRef("pk"), CharField()))
    return rows.annotate(
        needs_attention=Exists(open_attention().filter(subject=subject))
    )


def views(chosen: str) -> list[View]:
    return links_to(VIEWS, annotated(ArchiveJob.objects.all()), chosen)


class ShowFilter(ViewFilter):
    views = VIEWS
