"""The list of workflows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import AllValuesFieldListFilter, ShowFacets, display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from runfolders.admin.runs import KeyPaginator
from seqhub.lib import markup
from seqhub.operations.admin.base import CountedList, ReadOnlyAdmin
from seqhub.operations.admin.bulk import bulk_action
from seqhub.operations.errors import InvalidValue
from turret.admin.actions import ACTIONS
from turret.admin.filters import ShowFilter, annotated, views
from turret.admin.live_list import live_cells
from turret.admin.sheets import export_csv
from turret.admin.start import Start, start_of
from turret.choices import UNDER_WAY
from turret.models import Workflow
from turret.panels.cells import CELLS
from turret.panels.links import workflow_link, workflows_link
from turret.panels.workflow_page import pipeline
from turret.selectors import listed_workflows
from turret.services.search import matching

# What links of other pages narrow the list down by, besides its filters.
_LOOKUPS = ("session_id", "batch_id", "runfolder_id", "status_since__gte")


class WorkflowChangeList(CountedList):
    """A page of workflows.

    `moving`: the ids of those under way. `newest`: the id of the youngest that
    there is.
    """

    moving: str
    newest: int
    start: Start  # how a run of Nextflow gets into the list

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        self.moving = ",".join(
            str(row.pk) for row in self.result_list if row.status in UNDER_WAY
        )
        self.start = start_of(request)
        self.newest = Workflow.objects.aggregate(newest=Max("pk"))["newest"] or 0


class WorkflowList(ReadOnlyAdmin):
    """Read-only columns; whatever changes a workflow is an action."""

    list_display = (
        "workflow",
        "status_chips",
        "progress",
        "failed_tasks",
        "whose",
        "began",
        "took",
        "run",
    )
    list_display_links = None
    paginator = KeyPaginator
    list_before_template = "turret/list_before.html"
    list_fullwidth = True
    list_filter: ClassVar = [
        ShowFilter,
        "status",
        "owner",
        ("project_name", AllValuesFieldListFilter),
        ("created_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    show_facets = ShowFacets.NEVER
    search_fields = ("run_name",)
    search_help_text = "Words, status:failed, user:ann"
    empty_template = "turret/empty.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = annotated(listed_workflows()).annotate(
            is_under_way=Q(status__in=UNDER_WAY)
        )
        return rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WorkflowChangeList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-is_under_way", "-created_at", "-pk")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        try:
            return matching(queryset, search_term), False
        except InvalidValue as error:
            messages.warning(request, error.message)
            return queryset.none(), False

    def lookup_allowed(
        self, lookup: str, value: str, request: HttpRequest | None = None
    ) -> bool:
        if lookup in _LOOKUPS:
            return True
        return bool(super().lookup_allowed(lookup, value, request))

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
        found: dict[str, Any] = {
            change.key: bulk_action(change)
            for action in ACTIONS.values()
            if (change := action.change) and request.user.has_perm(action.permission)
        }
        found["export_csv"] = (export_csv, "export_csv", "Download as CSV")
        return found

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.list_live_view)
        name = "turret_workflow_list_live"
        return [path("live/", view, name=name), *super().get_urls()]

    def list_live_view(self, request: HttpRequest) -> HttpResponse:
        """For htmx: the cells that move, of the workflows that a list shows, and how
        many workflows are newer. An empty list is shown anew with the first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return live_cells(
            request,
            listed_workflows(),
            prefix="workflow",
            cells=CELLS,
            state="status",
            moving=UNDER_WAY,
            template="turret/list_live.html",
        )

    @display(description="Workflow", ordering="run_name")
    def workflow(self, row: Workflow) -> SafeString:
        labels = [format_html('<span class="number">{}</span>', x) for x in row.labels]
        return format_html(
            '<div class="run-cell">{}<a class="run-link" href="{}">{}</a>{}{}</div>',
            _ATTENTION if getattr(row, "needs_attention", False) else "",
            workflow_link(row),
            markup.broken(str(row)),
            format_html('<div class="below">{}</div>', markup.broken(pipeline(row)))
            if pipeline(row)
            else "",
            markup.row(labels) if labels else "",
        )

    @display(description="Status", ordering="status")
    def status_chips(self, row: Workflow) -> SafeString:
        return _cell(row, "status")

    @display(description="Tasks")
    def progress(self, row: Workflow) -> SafeString:
        return _cell(row, "progress")

    @display(description="Failed", ordering="failed")
    def failed_tasks(self, row: Workflow) -> SafeString:
        return _cell(row, "failed")

    @display(description="Owner", ordering="owner__username")
    def whose(self, row: Workflow) -> SafeString | str:
        if row.owner is None:
            return row.user_name or markup.faint("–")
        return format_html(
            '<a href="{}">{}</a>',
            workflows_link(owner__id__exact=row.owner_id),
            row.owner.get_username(),
        )

    @display(description="Started", ordering="created_at")
    def began(self, row: Workflow) -> SafeString:
        return markup.since(row.started_at or row.created_at)

    @display(description="Took", ordering="duration_ms")
    def took(self, row: Workflow) -> SafeString:
        return _cell(row, "took")

    @display(description="Run folder", ordering="runfolder__name")
    def run(self, row: Workflow) -> SafeString:
        if row.runfolder is None:
            return markup.faint("–")
        return format_html(
            '<a href="{}">{}</a>',
            reverse("admin:runfolders_runfolder_change", args=[row.runfolder_id]),
            markup.broken(row.runfolder.name),
        )


def _cell(row: Workflow, name: str) -> SafeString:
    """A cell that the live fragment finds again."""
    return format_html(
        '<div class="live-cell" id="workflow-{}-{}">{}</div>',
        row.pk,
        name,
        CELLS[name](row),
    )


_ATTENTION = format_html(
    '<span class="attention-mark" title="Needs attention">{}'
    '<span class="sr-only">Needs attention: </span></span>',
    markup.icon("warning"),
)
