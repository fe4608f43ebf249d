"""The cells of a list that move, for htmx."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from seqhub.operations.admin.base import is_key

_MOST = 100


def live_cells(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    prefix: str,
    cells: Mapping[str, Callable[[Any], Any]],
    state: str,
    moving: Container[str],
    template: str,
) -> HttpResponse:
    """The cells of the rows that a list shows, and how many rows are newer. An empty
    list is shown anew with the first.

    `state`: the field that says whether a row is `moving`.
    """
    wanted = [key for key in request.GET.get("ids", "").split(",") if is_key(key)]
    newest = request.GET.get("newest", "")
    is_told = is_key(newest)
    fresh = rows.model.objects.filter(pk__gt=newest).count() if is_told else 0
    if newest == "0" and fresh:
        return HttpResponse(headers={"HX-Refresh": "true"})
    shown = list(rows.filter(pk__in=wanted[:_MOST]))
    still = (str(row.pk) for row in shown if getattr(row, state) in moving)
    context = {
        "cells": [
            (f"{prefix}-{row.pk}-{name}", cell(row))
            for row in shown
            for name, cell in cells.items()
        ],
        "moving": ",".join(still),
        "newest": newest if is_told else "",
        "fresh": fresh,
    }
    return TemplateResponse(request, template, context)
