"""Workflows, and the tasks of one, for spreadsheets."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from seqhub.lib.sheets import csv_answer
from seqhub.lib.turns import NoTurn
from turret.engine.masking import mask
from turret.models import Workflow
from turret.panels.links import workflow_link
from turret.panels.tasks import EXPORTED, chosen_tasks, export_rows

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
    _model_admin: Any, request: HttpRequest, rows: QuerySet[Workflow]
) -> HttpResponseBase | None:
    """One row a workflow, UTF-8."""
    name = f"workflows-{timezone.localdate().isoformat()}.csv"
    cells = (
        [_cell(getattr(row, column)) for column in COLUMNS]
        for row in rows.iterator(chunk_size=500)
    )
    try:
        return csv_answer(request, name, COLUMNS, cells)
    except NoTurn as error:
        messages.error(request, str(error))
        return None


def export_tasks(request: HttpRequest, workflow: Workflow) -> HttpResponseBase:
    """One row a task that the tab would show, in its order."""
    rows = export_rows(chosen_tasks(workflow, request.GET))
    try:
        name = f"tasks-{workflow.workflow_id}.csv"
        return csv_answer(request, name, EXPORTED, rows)
    except NoTurn as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(workflow_link(workflow, "tasks"))


def _cell(value: object) -> object:
    return str(value) if isinstance(value, Model) else mask(value)
