"""The page of one launch, and its log."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from seqhub.operations.admin.base import is_key
from seqhub.operations.admin.confirm import ask
from seqhub.operations.selectors import open_attention
from turret.admin.actions import SEE_SECRETS
from turret.admin.launch_actions import (
    ACTIONS,
    LAUNCH,
    buttons_of,
    resume_question,
    resume_workflow,
)
from turret.admin.launch_form import LaunchFormPages
from turret.admin.launches import LaunchList
from turret.choices import ENDED_LAUNCH, FINAL
from turret.engine.states import done_of
from turret.models import Launch, Workflow
from turret.panels.cells import bar_colour
from turret.panels.launch_cells import launch_chip
from turret.panels.launch_links import launch_link
from turret.panels.launch_log import FILES, log_from
from turret.panels.launch_page import headline, subtitle, tabs
from turret.panels.links import workflow_link
from turret.panels.tally import tally_of, tiles
from turret.selectors import counters_of, listed_launches

LIVE_S = 2


class LaunchAdmin(LaunchFormPages, LaunchList):
    """The list of launches, and the page of one."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "turret_launch"
        return [
            path("<int:pk>/live/", view(self.live_view), name=f"{name}_live"),
            path("<int:pk>/log/", view(self.log_view), name=f"{name}_log"),
            path("<int:pk>/do/<slug:key>/", view(self.do_view), name=f"{name}_do"),
            path(
                "resume/<int:workflow_pk>/",
                view(self.resume_view),
                name=f"{name}_resume",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page itself; only the open tab's panels are read."""
        launch = self._launch(request, object_id)
        found = tabs(launch, may_see=_may_see(request, launch))
        wanted = request.GET.get("tab", "")
        tab = next((tab for tab in found if tab.key == wanted), found[0])
        context = {
            **self.admin_site.each_context(request),
            **_head(request, launch),
            "title": str(launch),
            "opts": self.opts,
            "original": launch,
            "tabs": found,
            "open_tab": tab,
            "panels": tab.panels(request.GET),
        }
        return TemplateResponse(request, "turret/launch.html", context)

    def live_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The head of the page, for htmx, while something goes on."""
        launch = self._launch(request, str(pk))
        context = _head(request, launch)
        return TemplateResponse(request, "turret/launch_head.html", context)

    def log_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For htmx: what was written since; the page begins with the end of the log
        again when that is too much for it."""
        launch = self._launch(request, str(pk))
        file = request.GET.get("file", "")
        offset, shown = _number(request, "offset"), _number(request, "shown")
        log = log_from(launch, file if file in FILES else "output", offset, shown)
        context = {"log": log, "launch": launch}
        if not log.is_whole:
            return TemplateResponse(request, "turret/launch_log_more.html", context)
        page = TemplateResponse(request, "turret/launch_log.html", context)
        page["HX-Retarget"] = "#launch-log"
        return page

    def do_view(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        """Ask, then do one thing with one launch."""
        action = ACTIONS.get(key)
        if action is None or not request.user.has_perm(LAUNCH):
            raise PermissionDenied
        launch = self._launch(request, str(pk))
        found: list[Launch] = []

        def act(answers: dict[str, Any]) -> str:
            found.append(action.act(request, launch, answers))
            return f"{found[0]} {action.done}"

        return ask(
            request,
            action.question(launch),
            act,
            back=launch_link(launch),
            done_at=lambda: launch_link(found[0]),
        )

    def resume_view(self, request: HttpRequest, workflow_pk: int) -> HttpResponse:
        """Go on with a run that somebody has started in a shell."""
        if not request.user.has_perm(LAUNCH):
            raise PermissionDenied
        workflow = Workflow.objects.only("run_name").filter(pk=workflow_pk).first()
        if workflow is None:
            raise Http404("The workflow is not known.")
        found: list[Launch] = []

        def act(answers: dict[str, Any]) -> str:
            found.append(resume_workflow(request, workflow_pk, answers))
            return f"{found[0]} goes on with it."

        return ask(
            request,
            resume_question(str(workflow), None),
            act,
            back=workflow_link(workflow_pk),
            done_at=lambda: launch_link(found[0]),
        )

    def _launch(self, request: HttpRequest, key: str) -> Launch:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = listed_launches().select_related("workflow__runfolder")
        row = rows.filter(pk=key).first() if is_key(key) else None
        if row is None:
            raise Http404("The launch is not known.")
        return row


def _may_see(request: HttpRequest, launch: Launch) -> bool:
    """Who launched it has sent them."""
    is_own = launch.owner_id is not None and launch.owner_id == request.user.pk
    return is_own or bool(request.user.has_perm(SEE_SECRETS))


def _number(request: HttpRequest, name: str) -> int:
    """0 for what is none."""
    text = request.GET.get(name, "")
    return int(text) if is_key(text) else 0


def _head(request: HttpRequest, launch: Launch) -> dict[str, Any]:
    workflow = launch.workflow
    tally = tally_of(workflow)
    may = request.user.has_perm
    subjects = [launch.subject, workflow.subject]
    buttons = buttons_of(request, launch)
    return {
        "launch": launch,
        "workflow": workflow,
        "workflow_link": workflow_link(workflow),
        "may_see_workflow": may("turret.view_workflow"),
        "subtitle": subtitle(launch),
        "headline": headline(launch, timezone.now()),
        "chip": launch_chip(launch),
        "buttons": buttons,
        "has_more": any(button.is_rare for button in buttons),
        "tiles": tiles(tally),
        "done": done_of(counters_of(workflow), ended=workflow.status in FINAL),
        "bar_colour": bar_colour(workflow),
        "attention": list(open_attention().filter(subject__in=subjects)),
        "live_s": 0 if launch.state in ENDED_LAUNCH else LIVE_S,
        "may_ignore": may("operations.change_attention"),
    }
