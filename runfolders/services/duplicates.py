"""The same run in two places: a copy in progress, or one too many."""

from __future__ import annotations

from itertools import groupby

from django.db import transaction
from django.db.models import Count

from runfolders.models import Runfolder
from runfolders.services.filling import DUPLICATE
from runfolders.services.states import lock_runfolder
from seqhub.operations.models import Attention
from seqhub.operations.services.attention import close_attention, open_attention

_NEXT_STEP = (
    "Find out which of the two is whole, and remove, rename or ignore the other one."
)


def sync_duplicates(host: str) -> None:
    """One warning for each run folder whose run was seen before somewhere else."""
    rows = Runfolder.objects.filter(
        host=host, is_present=True, ignored_at=None, root__is_configured=True
    ).exclude(run_id="")
    repeated = (
        rows.order_by()
        .values("run_id")
        .annotate(count=Count("pk"))
        .filter(count__gt=1)
        .values("run_id")
    )
    wanted: dict[int, str] = {}
    found = rows.filter(run_id__in=repeated).order_by("run_id", "first_seen_at", "pk")
    for _, group in groupby(found.only("run_id", "path"), lambda row: row.run_id):
        first, *others = group
        for row in others:
            wanted[row.pk] = f"The same run lies at {first.path} too."
    warned = Attention.objects.filter(
        code=DUPLICATE, runfolder_ref__in=Runfolder.objects.filter(host=host)
    )
    there = {row.runfolder_ref: row.message for row in warned}
    for pk in there.keys() | wanted.keys():
        if pk is not None and there.get(pk) != wanted.get(pk):
            _set(pk, wanted.get(pk))


@transaction.atomic
def _set(runfolder_id: int, message: str | None) -> None:
    runfolder = lock_runfolder(runfolder_id)
    problems = [p for p in runfolder.problems if p["code"] != DUPLICATE]
    if message is None:
        close_attention(runfolder.subject, DUPLICATE)
    else:
        problems.append({"code": DUPLICATE, "message": message, "line": None})
        open_attention(
            runfolder.subject,
            DUPLICATE,
            message,
            next_step=_NEXT_STEP,
            runfolder=(runfolder.pk, runfolder.name),
        )
    runfolder.problems = problems
    runfolder.save(update_fields=["problems"])
