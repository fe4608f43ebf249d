"""Actions on many runs: one by one, each refusal said; and CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone

from runfolders.admin.overrides import OVERRIDES, Override
from runfolders.models import Runfolder
from seqhub.operations.admin.confirm import actor_of
from seqhub.operations.errors import DomainError
from seqhub.operations.services.events import Actor

Action = Callable[[Any, HttpRequest, QuerySet[Runfolder]], HttpResponseBase | None]

# Each refusal is said up to here; the rest is counted.
REFUSALS_SAID = 10
NAMES_SHOWN = 10

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
        key: (_action(override), key, override.question.title)
        for key, override in OVERRIDES.items()
        if override.in_bulk and request.user.has_perm(override.permission)
    }
    actions["export_csv"] = (export_csv, "export_csv", "Download as CSV")
    return actions


def _action(override: Override) -> Action:
    def act(
        _model_admin: Any, request: HttpRequest, runs: QuerySet[Runfolder]
    ) -> HttpResponse | None:
        if not request.user.has_perm(override.permission):
            raise PermissionDenied
        confirmed = "confirmed" in request.POST
        form = override.question.form_class(request.POST if confirmed else None)
        if confirmed and form.is_valid():
            _do_each(request, override, runs, form.cleaned_data)
            return None
        context = {
            **admin.site.each_context(request),
            "title": override.question.title,
            "opts": Runfolder._meta,
            "question": override.question,
            "form": form,
            "key": override.key,
            "count": runs.count(),
            "names": [run.name for run in runs[:NAMES_SHOWN]],
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox": ACTION_CHECKBOX_NAME,
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "runfolders/bulk.html", context)

    return act


def _do_each(
    request: HttpRequest,
    override: Override,
    runs: QuerySet[Runfolder],
    answers: dict[str, Any],
) -> None:
    actor: Actor = actor_of(request)
    done = 0
    refused: list[str] = []
    for run in list(runs):
        try:
            override.act(run, answers, actor)
        except DomainError as error:
            refused.append(error.message)
        else:
            done += 1
    if done:
        plural = "run" if done == 1 else "runs"
        messages.success(request, f"{done} {plural}: {override.done}")
    for message in refused[:REFUSALS_SAID]:
        messages.error(request, f"Refused: {message}")
    if len(refused) > REFUSALS_SAID:
        messages.error(request, f"{len(refused) - REFUSALS_SAID} more were refused.")


class _Echo:
    """A file that gives back what is written, for csv."""

    def write(self, line: str) -> str:
        return line


def harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula.

    Names come from files on disk: `=HYPERLINK(...)` must stay text.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def export_csv(
    _model_admin: Any, _request: HttpRequest, runs: QuerySet[Runfolder]
) -> StreamingHttpResponse:
    """One row a run, UTF-8, streamed."""
    writer = csv.writer(_Echo())
    rows = runs.select_related("instrument")

    def lines() -> Iterator[str]:
        yield writer.writerow(CSV_COLUMNS)
        for run in rows.iterator(chunk_size=500):
            yield writer.writerow(
                [harmless(getattr(run, column)) for column in CSV_COLUMNS]
            )

    day = timezone.localdate().isoformat()
    return StreamingHttpResponse(
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="runs-{day}.csv"'},
    )
