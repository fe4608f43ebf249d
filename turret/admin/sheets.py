"""Workflows for spreadsheets; tasks are exported by the API."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from seqhub.lib.sheets import csv_lines
from turret.engine.masking import mask
from turret.models import Workflow

COLUMNS = (
    "workflow_id",
    "run_name",
    "status",
    "project_name",
    "revision",
    "owner",
    "runfolder",
    "session_id",
    "batch_id",
    "created_at",
    "started_at",
    "completed_at",
    "duration_ms",
    "succeeded",
    "cached",
    "failed",
    "ignored",
    "retries",
    "aborted",
    "exit_status",
    "error_message",
)


def export_csv(
    _model_admin: Any, _request: HttpRequest, rows: QuerySet[Workflow]
) -> StreamingHttpResponse:
    """One row a workflow, UTF-8, streamed."""
    name = f"workflows-{timezone.localdate().isoformat()}.csv"
    cells = ([_cell(getattr(row, column)) for column in COLUMNS] for row in rows)
    return StreamingHttpResponse(
        csv_lines(COLUMNS, cells),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _cell(value: object) -> object:
    return str(value) if isinstance(value, Model) else mask(value)
