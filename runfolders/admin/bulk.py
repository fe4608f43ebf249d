"""Actions on many runs, and CSV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from runfolders.admin.overrides import OVERRIDES, Override
from runfolders.models import Runfolder
from seqhub.lib.sheets import csv_lines
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
    _model_admin: Any, _request: HttpRequest, runs: QuerySet[Runfolder]
) -> StreamingHttpResponse:
    """One row a run, UTF-8, streamed."""
    rows = runs.select_related("instrument").iterator(chunk_size=500)
    cells = ([getattr(run, column) for column in CSV_COLUMNS] for run in rows)
    day = timezone.localdate().isoformat()
    return StreamingHttpResponse(
        csv_lines(CSV_COLUMNS, cells),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="runs-{day}.csv"'},
    )
