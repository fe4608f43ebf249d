"""The ready-made views of the list of launches."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from seqhub.operations.admin.views import View, ViewFilter, Views, links_to
from seqhub.operations.selectors import open_attention
from turret.choices import ENDED_LAUNCH, LaunchState
from turret.models import Launch

UNDER_WAY = tuple(state for state in LaunchState if state not in ENDED_LAUNCH)
VIEWS: Views = {
    "": ("All", Q(), True),
    "attention": ("Needs attention", Q(needs_attention=True), True),
    "under_way": ("Under way", Q(state__in=UNDER_WAY), True),
    "waiting": ("Waiting", Q(state=LaunchState.PENDING), False),
    "succeeded": ("Succeeded", Q(state=LaunchState.SUCCEEDED), True),
    "failed": ("Failed", Q(state=LaunchState.FAILED), True),
    "cancelled": ("Cancelled", Q(state=LaunchState.CANCELLED), False),
    "lost": ("Lost", Q(state=LaunchState.LOST), False),
}


def annotated(rows: QuerySet[Launch]) -> QuerySet[Any]:
    """Each launch with `needs_attention`: of itself, or of its workflow."""
    launch = Concat(Value("launch:"), Cast(OuterRef("pk"), CharField()))
    workflow = Concat(Value("workflow:"), Cast(OuterRef("workflow_ref"), CharField()))
    rows = rows.annotate(workflow_ref=F("workflow_id"))
    subjects = Q(subject=launch) | Q(subject=workflow)
    return rows.annotate(needs_attention=Exists(open_attention().filter(subjects)))


def views(chosen: str) -> list[View]:
    return links_to(VIEWS, annotated(Launch.objects.all()), chosen)


class ShowFilter(ViewFilter):
    views = VIEWS
