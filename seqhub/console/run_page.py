"""The page of one run: what every app has to say about it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from archiving.panels.cells import archive_cells
from archiving.services.policy import current_policy
from runfolders.admin.overrides import CHANGE, OVERRIDES, primary_key
from runfolders.admin.runs import RunfolderAdmin, RunList
from runfolders.choices import IN_FLIGHT
from runfolders.models import Hold, Runfolder
from runfolders.panels.chips import IGNORED, early_chips, hold_chip
from runfolders.panels.headline import headline
from runfolders.panels.run_page import subtitle
from runfolders.selectors import open_hold, usual_settling_s
from runfolders.services.notes import add_note
from seqhub.console.panels import tabs_of, tracks_of
from seqhub.lib import markup
from seqhub.operations.admin.base import is_key
from seqhub.operations.admin.confirm import actor_of, safe_next
from seqhub.operations.errors import DomainError
from seqhub.operations.selectors import open_attention


class RunListWithArchives(RunList):
    """A page of runs, each with its `archive_cell` if it has one."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        cells = archive_cells(self.result_list)
        for run in self.result_list:
            run.archive_cell = cells.get(run.pk)


class RunAdmin(RunfolderAdmin):
    """The list of runs, and the page of one."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RunListWithArchives

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = list(super().get_list_display(request))
        if current_policy().is_on:
            columns.insert(columns.index("status") + 1, "archive")
        return columns

    @display(description="Archive")
    def archive(self, run: Any) -> SafeString:
        return run.archive_cell or markup.faint("–")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:run_id>/live/",
                view(self.live_view),
                name="runfolders_runfolder_live",
            ),
            path(
                "<int:run_id>/note/",
                view(self.note_view),
                name="runfolders_runfolder_note",
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
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self._run(object_id)
        if run is None:
            return self._gone(request, object_id)
        tabs = tabs_of(run)
        wanted = request.GET.get("tab", "")
        tab = next((tab for tab in tabs if tab.key == wanted), tabs[0])
        context = {
            **self.admin_site.each_context(request),
            **self._head(request, run),
            "title": run.name,
            "opts": self.opts,
            "original": run,
            "tabs": tabs,
            "open_tab": tab,
            "panels": tab.panels(request.GET),
        }
        return TemplateResponse(request, "console/run.html", context)

    def live_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The head of the page, for htmx, while the run is in flight."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self._run(str(run_id))
        if run is None:
            return HttpResponse(headers={"HX-Refresh": "true"})
        context = self._head(request, run)
        return TemplateResponse(request, "console/run_head.html", context)

    @method_decorator(require_POST)
    def note_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        try:
            add_note(run_id, request.POST.get("text", ""), actor=actor_of(request))
        except DomainError as error:
            messages.error(request, error.message)
        else:
            messages.success(request, "The note is kept.")
        page = reverse("admin:runfolders_runfolder_change", args=[run_id])
        return HttpResponseRedirect(safe_next(request, page))

    @staticmethod
    def _run(key: str) -> Runfolder | None:
        rows = Runfolder.objects.select_related("instrument", "root")
        return rows.filter(pk=key).first() if is_key(key) else None

    @staticmethod
    def _gone(request: HttpRequest, key: str) -> HttpResponse:
        """A forgotten run still has its history."""
        messages.warning(request, "This run is no longer known; its events are kept.")
        events = reverse("admin:operations_event_changelist")
        query = f"?runfolder_ref={key}" if is_key(key) else ""
        return HttpResponseRedirect(f"{events}{query}")

    def _head(self, request: HttpRequest, run: Runfolder) -> dict[str, Any]:
        hold = open_hold(run.pk)
        attention = list(open_attention().filter(runfolder_ref=run.pk))
        usual = None
        if run.sequencing == "settling":
            usual = usual_settling_s(run.instrument_id)
        return {
            "run": run,
            "subtitle": subtitle(run),
            "headline": headline(
                run, timezone.now(), hold=hold, usual_settling_s=usual
            ),
            "tracks": tracks_of(run),
            "chips": _extra_chips(run, hold),
            "attention": attention,
            "cycles": _cycles(run),
            "is_live": run.sequencing in IN_FLIGHT and run.is_present,
            "may_ignore": request.user.has_perm("operations.change_attention"),
            "may_note": request.user.has_perm(CHANGE),
            **_overrides(request, run, hold),
        }


def _extra_chips(run: Runfolder, hold: Hold | None) -> list[Any]:
    chips = early_chips(run)
    if hold:
        chips.append(hold_chip(hold))
    if run.ignored_at:
        chips.append(IGNORED)
    return chips


def _cycles(run: Runfolder) -> dict[str, int] | None:
    """Done and total while the run is being sequenced."""
    if run.sequencing != "sequencing" or not run.total_cycles:
        return None
    return {"done": run.cycles_done or 0, "total": run.total_cycles}


def _overrides(
    request: HttpRequest, run: Runfolder, hold: Hold | None
) -> dict[str, Any]:
    """What this person may do to this run now: the large button and the rest."""
    fitting = [
        override
        for override in OVERRIDES.values()
        if override.fits(run, hold) and request.user.has_perm(override.permission)
    ]
    wanted = primary_key(run, hold)
    primary = next((one for one in fitting if one.key == wanted), None)
    return {
        "primary": primary,
        "overrides": [one for one in fitting if one is not primary],
    }
