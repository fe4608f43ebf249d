"""One question about many rows: done one by one, each refusal said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from seqhub.lib.units import counted
from seqhub.operations.admin.confirm import Question, actor_of
from seqhub.operations.errors import DomainError
from seqhub.operations.services.events import Actor

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]

# Each refusal is said up to here; the rest is counted.
REFUSALS_SAID = 10
NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What a person may do to chosen rows of a list."""

    key: str  # the action's name in the list's form
    question: Question
    act: Callable[[Any, dict[str, Any], Actor], object]
    done: str  # said afterwards, with the number before it
    permission: str
    noun: str  # of one row


def bulk_action(change: Change) -> tuple[Action, str, str]:
    """The change as Django's admin wants an action."""

    def act(
        _model_admin: Any, request: HttpRequest, rows: QuerySet[Any]
    ) -> HttpResponse | None:
        if not request.user.has_perm(change.permission):
            raise PermissionDenied
        confirmed = "confirmed" in request.POST
        form = change.question.form_class(request.POST if confirmed else None)
        if confirmed and form.is_valid():
            _do_each(request, change, rows, form.cleaned_data)
            return None
        count = rows.count()
        context = {
            **admin.site.each_context(request),
            "title": change.question.title,
            "opts": rows.model._meta,
            "question": change.question,
            "form": form,
            "key": change.key,
            "count": count,
            "noun": change.noun,
            "counted": counted(count, change.noun),
            "names": [str(row) for row in rows[:NAMES_SHOWN]],
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "checkbox": ACTION_CHECKBOX_NAME,
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "operations/bulk.html", context)

    return act, change.key, change.question.title


def _do_each(
    request: HttpRequest, change: Change, rows: QuerySet[Any], answers: dict[str, Any]
) -> None:
    actor = actor_of(request)
    done = 0
    refused: list[str] = []
    for row in list(rows):
        try:
            change.act(row, answers, actor)
        except DomainError as error:
            refused.append(error.message)
        else:
            done += 1
    if done:
        messages.success(request, f"{counted(done, change.noun)}: {change.done}")
    for message in refused[:REFUSALS_SAID]:
        messages.error(request, f"Refused: {message}")
    if len(refused) > REFUSALS_SAID:
        messages.error(request, f"{len(refused) - REFUSALS_SAID} more were refused.")
