"""The ready-made views of the list of workflows."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from seqhub.operations.admin.views import View, ViewFilter, Views, links_to
from seqhub.operations.selectors import open_attention
from turret.choices import UNDER_WAY, Status
from turret.models import Workflow

_UNDER_WAY = Q(status__in=UNDER_WAY)

VIEWS: Views = {
    "": ("All", Q(), True),
    "attention": ("Needs attention", Q(needs_attention=True), True),
    "under_way": ("Under way", _UNDER_WAY, True),
    "succeeded": ("Succeeded", Q(status=Status.SUCCEEDED), True),
    "failed": ("Failed", Q(status=Status.FAILED), True),
    "cancelled": ("Cancelled", Q(status=Status.CANCELLED), False),
    "silent": ("Silent", _UNDER_WAY & Q(stalled_at__isnull=False), False),
    "unknown": ("Unknown", Q(status=Status.UNKNOWN), False),
}


def annotated(rows: QuerySet[Workflow]) -> QuerySet[Any]:
    """Each workflow with `needs_attention`."""
    subject = Concat(Value("workflow:"), Cast(OuterRef("pk"), CharField()))
    return rows.annotate(
        needs_attention=Exists(open_attention().filter(subject=subject))
    )


def views(chosen: str) -> list[View]:
    return links_to(VIEWS, annotated(Workflow.objects.all()), chosen)


class ShowFilter(ViewFilter):
    views = VIEWS
