"""The list of launches."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import AllValuesFieldListFilter, ShowFacets, display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from runfolders.admin.runs import KeyPaginator
from seqhub.lib import markup
from seqhub.lib.units import format_bytes
from seqhub.operations.admin.base import CountedList, ReadOnlyAdmin
from seqhub.operations.admin.bulk import bulk_action
from turret.admin.launch_actions import CANCEL_MANY, LAUNCH
from turret.admin.launch_filters import UNDER_WAY, ShowFilter, annotated, views
from turret.admin.live_list import live_cells
from turret.models import Launch
from turret.panels.launch_cells import CELLS
from turret.panels.launch_links import launch_link, launches_link
from turret.panels.launch_page import pipeline
from turret.selectors import listed_launches

# What links of other pages narrow the list down by, besides its filters.
_LOOKUPS = ("parent_id", "workflow__session_id", "workflow__runfolder_id")


class LaunchChangeList(CountedList):
    """A page of launches.

    `moving`: the ids of those under way. `newest`: the id of the youngest that
    there is.
    """

    moving: str
    newest: int
    may_launch: bool

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.moving = ",".join(
            str(row.pk) for row in self.result_list if row.state in UNDER_WAY
        )
        self.may_launch = request.user.has_perm(LAUNCH)
        self.newest = Launch.objects.aggregate(newest=Max("pk"))["newest"] or 0


class LaunchList(ReadOnlyAdmin):
    """Read-only columns; whatever changes a launch is an action."""

    list_display = (
        "launch",
        "state_words",
        "tasks",
        "whose",
        "where",
        "size",
        "times",
    )
    list_display_links = None
    paginator = KeyPaginator
    list_before_template = "turret/launches_before.html"
    list_fullwidth = True
    list_filter: ClassVar = [
        ShowFilter,
        "state",
        "pipeline",
        "owner",
        "compute",
        ("host", AllValuesFieldListFilter),
        ("submitted_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    show_facets = ShowFacets.NEVER
    search_fields = (
        "run_name",
        "source",
        "workflow__workflow_id",
        "owner__username",
        "pipeline__name",
        "labels",
        "job_id",
    )
    search_help_text = "Run, pipeline, owner, label, id, SLURM job"
    empty_template = "turret/launches_empty.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = annotated(listed_launches()).annotate(
            is_under_way=Q(state__in=UNDER_WAY)
        )
        return rows.defer("params")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LaunchChangeList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-is_under_way", "-submitted_at", "-pk")

    def lookup_allowed(
        self, lookup: str, value: str, request: HttpRequest | None = None
    ) -> bool:
        if lookup in _LOOKUPS:
            return True
        return bool(super().lookup_allowed(lookup, value, request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(LAUNCH))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        chosen = request.GET.get(ShowFilter.parameter_name, "")
        links = {"views": views(chosen)} if request.method == "GET" else {}
        page: HttpResponse = super().changelist_view(
            request, {**links, **(extra_context or {})}
        )
        return page

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        if not request.user.has_perm(LAUNCH):
            return {}
        return {CANCEL_MANY.key: bulk_action(CANCEL_MANY)}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.list_live_view)
        name = "turret_launch_list_live"
        return [path("live/", view, name=name), *super().get_urls()]

    def list_live_view(self, request: HttpRequest) -> HttpResponse:
        """For htmx: the cells that move, of the launches that a list shows, and how
        many launches are newer. An empty list is shown anew with the first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return live_cells(
            request,
            listed_launches(),
            prefix="launch",
            cells=CELLS,
            state="state",
            moving=UNDER_WAY,
            template="turret/launches_live.html",
        )

    @display(description="Launch", ordering="run_name")
    def launch(self, row: Launch) -> SafeString:
        labels = [format_html('<span class="number">{}</span>', x) for x in row.labels]
        return format_html(
            '<div class="run-cell">{}<a class="run-link" href="{}">{}</a>'
            '<div class="below">{}</div>{}</div>',
            _ATTENTION if getattr(row, "needs_attention", False) else "",
            launch_link(row),
            markup.broken(str(row)),
            markup.broken(pipeline(row)),
            markup.row(labels) if labels else "",
        )

    @display(description="State", ordering="state")
    def state_words(self, row: Launch) -> SafeString:
        return _cell(row, "state")

    @display(description="Tasks")
    def tasks(self, row: Launch) -> SafeString:
        return _cell(row, "tasks")

    @display(description="Owner", ordering="owner__username")
    def whose(self, row: Launch) -> SafeString | str:
        if row.owner is None:
            return markup.faint("–")
        link = launches_link(owner__id__exact=row.owner_id)
        return format_html('<a href="{}">{}</a>', link, row.owner.get_username())

    @display(description="Runs on", ordering="compute__name")
    def where(self, row: Launch) -> SafeString:
        return markup.lines(row.compute.name, markup.faint(row.host))

    @display(description="Size", ordering="size_bytes")
    def size(self, row: Launch) -> SafeString:
        size = "" if row.size_bytes is None else format_bytes(row.size_bytes)
        return markup.lines(size, markup.faint("cleared") if row.cleared_at else "")

    @display(description="Submitted", ordering="submitted_at")
    def times(self, row: Launch) -> SafeString:
        return markup.lines(markup.since(row.submitted_at), _cell(row, "took"))


def _cell(row: Launch, name: str) -> SafeString:
    """A cell that the live fragment finds again."""
    return format_html(
        '<div class="live-cell" id="launch-{}-{}">{}</div>',
        row.pk,
        name,
        CELLS[name](row),
    )


_ATTENTION = format_html(
    '<span class="attention-mark" title="Needs attention">{}'
    '<span class="sr-only">Needs attention: </span></span>',
    markup.icon("warning"),
)
