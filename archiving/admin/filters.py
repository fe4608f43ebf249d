"""The ready-made views of the list of archives."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpRequest

from archiving.choices import Status, Verified
from archiving.models import ArchiveJob
from runfolders.admin.filters import View
from seqhub.operations.selectors import open_attention

VISIBLE = Q(ignored_at=None)

# key -> (label, condition, shown even when nothing matches)
VIEWS: dict[str, tuple[str, Q, bool]] = {
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
    """The links above the list; each counts what it leads to."""
    numbers = annotated(ArchiveJob.objects.all()).aggregate(
        **{
            f"in_{key}": Count("pk", filter=condition)
            for key, (_, condition, _) in VIEWS.items()
        }
    )
    return [
        View(
            label,
            numbers[f"in_{key}"],
            f"?{ShowFilter.parameter_name}={key}" if key else "?",
            key == chosen,
        )
        for key, (label, _, always) in VIEWS.items()
        if always or numbers[f"in_{key}"] or key == chosen
    ]


class ShowFilter(SimpleListFilter):
    """Chosen by the links above the list, not in the sheet of filters."""

    title = "view"
    parameter_name = "show"
    template = "runfolders/no_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _, _) in VIEWS.items() if key]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ArchiveJob]
    ) -> QuerySet[ArchiveJob]:
        _, condition, _ = VIEWS.get(self.value() or "", VIEWS[""])
        return queryset.filter(condition)
