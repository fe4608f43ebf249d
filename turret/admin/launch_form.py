"""The form that launches a pipeline.

One form, which works as one: whatever is asked for between, reading a pipeline, another
view of the same values, a look at the command, is sent to the same address by a button
(`act`) and answered with the form. With JavaScript htmx takes what has changed out of
the answer.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import replace
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from seqhub.lib.patience import TimedOut
from seqhub.lib.turns import NoTurn, Turn
from seqhub.operations.errors import DomainError
from turret.admin.launch_asked import FORM, YAML, Asked, first, sent
from turret.admin.launch_context import Shown, form_context
from turret.admin.launch_files import (
    LAUNCH,
    LaunchFilePages,
    with_params_file,
    with_sheet,
)
from turret.admin.launch_once import launch_once
from turret.errors import BadLaunch, SourceTrouble
from turret.panels.launch_form import schema_of_found
from turret.panels.launch_links import launch_link, new_launch_link
from turret.services.launching.submission import preview
from turret.services.repositories import SHORT_S, Described, describe, refs

_PAGE = "turret/launch_form.html"
# Before the key of the parameter that names it.
_SHEET = "sheet:"
_NOTHING = Described(None)


class LaunchFormPages(LaunchFilePages):
    """The page `add` of launches."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "turret_launch"
        return [
            path("add/refs/", view(self.refs_view), name=f"{name}_refs"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(LAUNCH))

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        user = cast("User", request.user)
        try:
            if request.method != "POST":
                return self._begun(request, first(user, request.GET.dict()))
            asked = sent(user, request.POST.dict())
        except DomainError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(new_launch_link())
        act = "show" if asked.is_other else request.POST.get("act", "")
        if act == "launch":
            return self._submitted(request, asked)
        if act in ("check", "preview"):
            return self._aside(request, asked, act)
        return self._again(request, asked, act)

    def refs_view(self, request: HttpRequest) -> HttpResponse:
        """For htmx: branches and tags to choose from."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {}
        try:
            with closing(Turn(request)):
                context["refs"] = refs(request.GET.get("source", ""))
        except NoTurn as error:
            context["why_none"] = str(error)
        except DomainError as error:
            context["why_none"] = error.message
        return TemplateResponse(request, "turret/launch_form_refs.html", context)

    def _begun(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        """The page without the pipeline's parameters: reading them may take long."""
        return self._form_page(
            request, Shown(asked, _NOTHING, is_unread=bool(asked.source))
        )

    def _again(self, request: HttpRequest, asked: Asked, act: str) -> HttpResponse:
        """The form, as it was sent; `act` is what was wanted of it."""
        shown = _described(request, asked)
        if act == "file":
            shown = with_params_file(request, shown)
        elif act.startswith(_SHEET):
            shown = with_sheet(request, shown, act.removeprefix(_SHEET))
        elif act == "look":
            shown = shown.checked()
        wanted = YAML if act == YAML else FORM
        return self._form_page(request, shown.turned(wanted))

    def _aside(self, request: HttpRequest, asked: Asked, act: str) -> HttpResponse:
        """What is wrong with it, or what it would run."""
        shown = _described(request, asked)
        if shown.is_cut_off and "HX-Request" in request.headers:
            return HttpResponse(status=HTTPStatus.NO_CONTENT)  # it may come back
        shown = shown.checked()
        if act == "preview":
            shown = _previewed(shown)
        if "HX-Request" not in request.headers:
            return self._form_page(request, shown)
        template = f"turret/launch_form_{act}.html"
        return TemplateResponse(request, template, form_context(shown))

    def _submitted(self, request: HttpRequest, asked: Asked) -> HttpResponse:
        shown = _described(None, asked).checked()
        if not shown.problems:
            try:
                key, is_new = launch_once(
                    request,
                    asked.texts["key"],
                    asked.request(shown.params),
                    user=asked.user,
                    run=asked.run(),
                )
            except BadLaunch as error:
                shown = replace(shown, problems=error.fields or {"": error.message})
            except DomainError as error:
                shown = replace(shown, problems={"": error.message})
            else:
                if is_new:
                    messages.success(request, "Submitted.")
                return HttpResponseRedirect(launch_link(key))
        if shown.is_cut_off:
            shown = shown.turned(YAML)
        return self._form_page(request, replace(shown, is_refused=True))

    def _form_page(self, request: HttpRequest, shown: Shown) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **form_context(shown),
            "title": "Launch a pipeline",
            "opts": self.opts,
            "is_fullwidth": "1",
        }
        return TemplateResponse(request, _PAGE, context)


def _described(request: HttpRequest | None, asked: Asked) -> Shown:
    """With what the pipeline's repository tells, or why it tells nothing. Without a
    request it waits for no turn: what is to be launched is not put off."""
    if not asked.source:
        return Shown(asked, _NOTHING)
    try:
        with closing(Turn(request)) if request else nullcontext():
            described = describe(asked.source, asked.revision, patience_s=SHORT_S)
    except NoTurn as error:
        return Shown(asked, _NOTHING, trouble=str(error)).read()
    except SourceTrouble as error:
        return Shown(asked, _NOTHING, trouble=error.message).read()
    except DomainError as error:
        shown = Shown(asked, _NOTHING).read()
        return replace(shown, problems={**shown.problems, "source": error.message})
    stand_in = schema_of_found(described.found, described.found_in)
    return Shown(asked, described, schema=described.schema or stand_in).read()


def _previewed(shown: Shown) -> Shown:
    try:
        wanted = shown.asked.request(shown.params)
        return replace(shown, preview=preview(wanted, user=shown.asked.user))
    except DomainError as error:
        return replace(shown, why_no_preview=error.message)
    except TimedOut as error:
        return replace(shown, why_no_preview=f"{error}.")
