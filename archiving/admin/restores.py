"""Restores: what was asked back from archives, and where it lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.admin import ShowFacets, display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from archiving.admin.actions import RESTORE
from archiving.choices import RestoreState
from archiving.models import Restore
from archiving.panels.cells import progress_bar
from archiving.panels.chips import restore_chip
from archiving.panels.headline import restore_headline
from archiving.panels.links import archive_link, chosen, restore_link
from archiving.panels.progress import amounts, bar_of
from archiving.panels.restore_page import restore_panels
from archiving.services import restores
from seqhub.lib import markup
from seqhub.operations.admin.base import CountedList, ReadOnlyAdmin, is_key
from seqhub.operations.admin.confirm import (
    OptionalReasonForm,
    Question,
    ReasonForm,
    actor_of,
    ask,
)
from seqhub.operations.selectors import open_attention

_OPEN = (RestoreState.REQUESTED, RestoreState.RUNNING)
_OVER = (RestoreState.FAILED, RestoreState.CANCELLED, RestoreState.EXPIRED)


@dataclass(frozen=True, slots=True)
class RestoreAction:
    """Something a person may do to a restore."""

    key: str
    icon: str
    question: Question
    done: str
    act: Callable[..., object]
    states: tuple[RestoreState, ...]


ACTIONS: dict[str, RestoreAction] = {
    action.key: action
    for action in (
        RestoreAction(
            "cancel",
            "cancel",
            Question(
                "Cancel this restore",
                "It ends, and what it wrote is removed.",
                "Cancel restore",
                ReasonForm,
                is_dangerous=True,
            ),
            "The restore ends.",
            restores.cancel_restore,
            _OPEN,
        ),
        RestoreAction(
            "extend",
            "more_time",
            Question(
                "Keep it longer",
                "The restored files stay for as long again, from now on.",
                "Keep longer",
                OptionalReasonForm,
            ),
            "It stays longer.",
            restores.extend_restore,
            (RestoreState.AVAILABLE,),
        ),
        RestoreAction(
            "retry",
            "restart_alt",
            Question(
                "Restore again",
                "It is tried again; what is there already and right is kept.",
                "Restore again",
                OptionalReasonForm,
            ),
            "It is restored again.",
            restores.retry_restore,
            _OVER,
        ),
        RestoreAction(
            "remove",
            "auto_delete",
            Question(
                "Remove the restored files now",
                "They are deleted from disk, with everything that was changed or "
                "added in the restored folder. The archive stays as it is.",
                "Remove files",
                ReasonForm,
                is_dangerous=True,
            ),
            "The restored files are removed.",
            restores.expire_restore,
            (RestoreState.AVAILABLE,),
        ),
    )
}


class RestoreList(CountedList):
    """A page of restores; `is_live`: does one of them move?"""

    is_live: bool

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.is_live = any(row.state in _OPEN for row in self.result_list)


class RestoreAdmin(ReadOnlyAdmin):
    list_display = ("run", "state_chip", "progress", "where", "who", "what")
    list_display_links = None
    list_select_related = ("job",)
    list_before_template = "archiving/restores_poll.html"
    list_filter: ClassVar = [
        "state",
        "host",
        "requested_by",
        ("requested_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    show_facets = ShowFacets.NEVER
    search_fields = ("job__run_name", "job__name", "target", "requested_by")
    search_help_text = "Run, directory, person"
    ordering = ("-requested_at", "-id")
    actions = None
    empty_words = "Nothing was restored yet."
    empty_hint = (
        "Open an archive and choose Restore, for the whole run or for single files."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Restore]:
        rows: QuerySet[Restore] = super().get_queryset(request)
        return rows.select_related("job").defer(
            "job__wrapped_key", "job__publishing", "job__raw_path"
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RestoreList

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "archiving_restore"
        return [
            path("<int:restore_id>/live/", view(self.live_view), name=f"{name}_live"),
            path(
                "<int:restore_id>/do/<slug:key>/", view(self.do_view), name=f"{name}_do"
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
        row = self._row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            **_head(request, row),
            "title": f"Restore of {row.job.run_name}",
            "opts": self.opts,
            "original": row,
            "panels": restore_panels(row, request.GET),
        }
        return TemplateResponse(request, "archiving/restore.html", context)

    def live_view(self, request: HttpRequest, restore_id: int) -> HttpResponse:
        """The head of the page, for htmx, until the restore has ended."""
        row = self._row(request, str(restore_id))
        context = _head(request, row)
        return TemplateResponse(request, "archiving/restore_head.html", context)

    def do_view(self, request: HttpRequest, restore_id: int, key: str) -> HttpResponse:
        """Ask, then do one action to one restore."""
        action = ACTIONS.get(key)
        if action is None or not request.user.has_perm(RESTORE):
            raise PermissionDenied
        row = get_object_or_404(Restore, pk=restore_id)

        def act(answers: dict[str, Any]) -> str:
            action.act(row.pk, actor=actor_of(request), reason=answers["reason"])
            return action.done

        return ask(request, action.question, act, back=restore_link(row))

    def _row(self, request: HttpRequest, key: str) -> Restore:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request)
        row = rows.filter(pk=key).first() if is_key(key) else None
        if row is None:
            raise Http404("The restore is not known.")
        return row

    @display(description="Run", ordering="job__run_name")
    def run(self, row: Restore) -> SafeString:
        return format_html(
            '<div class="run-cell"><a class="run-link" href="{}">{}</a>{}</div>',
            restore_link(row),
            markup.broken(row.job.run_name),
            format_html('<div class="below">{}</div>', row.job.sequencer)
            if row.job.sequencer
            else "",
        )

    @display(description="State", ordering="state")
    def state_chip(self, row: Restore) -> SafeString:
        return markup.chip(restore_chip(row))

    @display(description="Progress or age", ordering="state_since")
    def progress(self, row: Restore) -> SafeString:
        if row.state == RestoreState.RUNNING:
            return progress_bar(row)
        if row.state == RestoreState.AVAILABLE and row.expires_at:
            return format_html("removed {}", markup.since(row.expires_at))
        return format_html(
            "{} {}", row.get_state_display(), markup.since(row.state_since)
        )

    @display(description="Directory", ordering="target")
    def where(self, row: Restore) -> SafeString:
        return markup.copyable(row.target)

    @display(description="Asked for", ordering="requested_at")
    def who(self, row: Restore) -> SafeString:
        who = markup.lines(row.requested_by, markup.since(row.requested_at))
        return format_html("<div>{}</div>", who)

    @display(description="What")
    def what(self, row: Restore) -> SafeString | str:
        found = format_html('<a href="{}">archive</a>', archive_link(row.job))
        return format_html(
            "<div>{}</div>", markup.lines(chosen(row), found, row.message)
        )


def _head(request: HttpRequest, row: Restore) -> dict[str, Any]:
    is_running = row.state == RestoreState.RUNNING
    bar = bar_of(row) if is_running else None
    may = request.user.has_perm(RESTORE)
    fitting = [one for one in ACTIONS.values() if may and row.state in one.states]
    if row.cancel_requested_at:
        fitting = [one for one in fitting if one.key != "cancel"]
    return {
        "row": row,
        "what": chosen(row),
        "chip": restore_chip(row),
        "headline": restore_headline(
            row, timezone.now(), eta_s=bar.eta_s if bar else None
        ),
        "bar": bar,
        "amounts": amounts(row) if is_running else "",
        "live_s": 2 if row.state in _OPEN else 0,
        "actions": fitting,
        "attention": list(open_attention().filter(subject=row.subject)),
        "may_ignore": request.user.has_perm("operations.change_attention"),
    }
