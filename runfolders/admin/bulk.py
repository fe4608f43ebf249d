"""Actions on many runs, and CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from runfolders.admin.overrides import OVERRIDES, Override
from runfolders.models import Runfolder
from seqhub.lib.sheets import csv_answer
from seqhub.lib.turns import NoTurn
from seqhub.operations.admin.bulk import Change, bulk_action

Action = Callable[[Any, HttpRequest, QuerySet[Runfolder]], HttpResponseBase | None]

CSV_COLUMNS = (
    "name",
    "run_id",
    "platform",
    "instrument",
    "flow_cell",
    "sequencing",
    "state",
    "outcome",
    "project",
    "experiment_name",
    "cycles_done",
    "total_cycles",
    "started_at",
    "completed_at",
    "size_bytes",
    "host",
    "path",
)


def bulk_actions(request: HttpRequest) -> dict[str, tuple[Action, str, str]]:
    """What this person may do to chosen runs, as Django's admin wants it."""
    actions: dict[str, tuple[Action, str, str]] = {
        key: bulk_action(_change(override))
        for key, override in OVERRIDES.items()
        if override.in_bulk and request.user.has_perm(override.permission)
    }
    actions["export_csv"] = (export_csv, "export_csv", "Download as CSV")
    return actions


def _change(override: Override) -> Change:
    return Change(
        override.key,
        override.question,
        override.act,
        override.done,
        override.permission,
        noun="run",
    )


def export_csv(
    _model_admin: Any, request: HttpRequest, runs: QuerySet[Runfolder]
) -> HttpResponseBase | None:
    """One row a run, UTF-8."""
    rows = runs.select_related("instrument").iterator(chunk_size=500)
    cells = ([getattr(run, column) for column in CSV_COLUMNS] for run in rows)
    name = f"runs-{timezone.localdate().isoformat()}.csv"
    try:
        return csv_answer(request, name, CSV_COLUMNS, cells)
    except NoTurn as error:
        messages.error(request, str(error))
        return None
