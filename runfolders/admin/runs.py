"""The list of runs. seqhub.console registers it, with the page of one run."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin import ShowFacets, display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from runfolders.admin.bulk import bulk_actions
from runfolders.admin.filters import ShowFilter, annotated, views
from runfolders.admin.overrides import OVERRIDES
from runfolders.choices import IN_FLIGHT
from runfolders.models import Runfolder, Sample
from runfolders.panels.chips import (
    HELD,
    IGNORED,
    early_chips,
    sequencing_chip,
    state_chip,
)
from runfolders.panels.dashboard import runs_link
from runfolders.selectors import count_samples
from seqhub.lib import markup
from seqhub.lib.units import format_bytes
from seqhub.operations.admin.base import CountedList, ReadOnlyAdmin
from seqhub.operations.admin.confirm import actor_of, ask

# Columns that no line of the list shows.
_LONG = ("signature", "markers", "extra", "problems", "sheet_problems", "reads")


class KeyPaginator(Paginator):  # type: ignore[type-arg]
    """Sorts keys, then reads the rows of the page: sorting wide rows takes long."""

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        runs: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        keys = runs.values_list("pk", flat=True)[first : first + self.per_page]
        return Page(runs.filter(pk__in=list(keys)), number, self)


class RunList(CountedList):
    """A page of runs, each with its `sample_count`."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        runs = list(self.result_list)
        counts = count_samples(runs)
        for run in runs:
            run.sample_count = counts.get(run.pk, 0)
        self.result_list = runs


class RunfolderAdmin(ReadOnlyAdmin):
    """Read-only columns; whatever changes a run is an override."""

    list_display = (
        "run",
        "machine",
        "status",
        "progress",
        "size",
        "project_link",
        "sample_count",
    )
    list_display_links = None
    list_select_related = ("instrument", "root")
    paginator = KeyPaginator
    list_before_template = "runfolders/views.html"
    list_fullwidth = True
    list_filter: ClassVar = [
        ShowFilter,
        "sequencing",
        "state",
        "platform",
        "outcome",
        "instrument",
        "host",
        ("first_seen_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    show_facets = ShowFacets.NEVER
    search_fields = ("name", "run_id", "flow_cell", "project", "experiment_name")
    search_help_text = "Run, flow cell, sample, project"
    empty_words = "No runs here."
    empty_hint = (
        "Runs appear by themselves, within a minute of the sequencer making their "
        "folder in a watched directory (see Roots)."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        flight = Q(is_present=True, sequencing__in=sorted(IN_FLIGHT))
        rows: QuerySet[Any] = annotated(Runfolder.objects.all()).annotate(
            is_in_flight=flight,
            began_at=Coalesce("started_at", "first_seen_at"),
        )
        return rows.defer(*_LONG)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RunList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-needs_attention", "-is_in_flight", "-began_at", "-pk")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        samples = Sample.objects.filter(
            Q(sample_id__icontains=text) | Q(name__icontains=text)
        )
        found = Q(pk__in=samples.values("runfolder"))
        for field in self.search_fields:
            found |= Q(**{f"{field}__icontains": text})
        return queryset.filter(found), False

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
        return bulk_actions(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.override_view)
        name = "runfolders_runfolder_override"
        return [
            path("<int:run_id>/do/<slug:key>/", view, name=name),
            *super().get_urls(),
        ]

    def override_view(
        self, request: HttpRequest, run_id: int, key: str
    ) -> HttpResponse:
        """Ask, then do one override to one run."""
        override = OVERRIDES.get(key)
        if override is None or not request.user.has_perm(override.permission):
            raise PermissionDenied
        run = get_object_or_404(Runfolder, pk=run_id)

        def act(answers: dict[str, Any]) -> str:
            override.act(run, answers, actor_of(request))
            return f"{run.name}: {override.done}"

        page = reverse("admin:runfolders_runfolder_change", args=[run_id])
        runs = reverse("admin:runfolders_runfolder_changelist")
        return ask(
            request,
            override.question,
            act,
            back=page,
            done_at=runs if key == "forget" else None,
        )

    @display(description="Run", ordering="name")
    def run(self, run: Runfolder) -> SafeString:
        attention = getattr(run, "needs_attention", False)
        return format_html(
            '<div class="run-cell">{}<a class="run-link" href="{}">{}</a>{}</div>',
            _ATTENTION if attention else "",
            reverse("admin:runfolders_runfolder_change", args=[run.pk]),
            markup.broken(run.name),
            format_html('<div class="below">{}</div>', run.flow_cell)
            if run.flow_cell
            else "",
        )

    @display(description="Instrument", ordering="instrument__serial")
    def machine(self, run: Runfolder) -> SafeString | str:
        if run.instrument is None:
            return run.get_platform_display()
        return markup.lines(
            str(run.instrument), run.instrument.model or run.get_platform_display()
        )

    @display(description="Status", ordering="sequencing")
    def status(self, run: Runfolder) -> SafeString:
        chips = [sequencing_chip(run), *early_chips(run), state_chip(run)]
        if getattr(run, "is_held", False):
            chips.append(HELD)
        if run.ignored_at:
            chips.append(IGNORED)
        return markup.row(markup.chip(chip) for chip in chips)

    @display(description="Progress or age", ordering="began_at")
    def progress(self, run: Runfolder) -> SafeString:
        if run.sequencing == "sequencing" and run.total_cycles:
            done = run.cycles_done or 0
            return markup.labelled_bar(done, run.total_cycles, "cycles")
        if run.sequencing == "settling":
            return format_html("settling began {}", markup.since(run.sequencing_since))
        return markup.since(run.completed_at or run.started_at or run.first_seen_at)

    @display(description="Size", ordering="size_bytes")
    def size(self, run: Runfolder) -> SafeString | str:
        if run.size_bytes is None:
            return markup.faint("–")
        return format_bytes(run.size_bytes)

    @display(description="Project", ordering="project")
    def project_link(self, run: Runfolder) -> SafeString | str:
        if not run.project:
            return markup.faint("–")
        return format_html(
            '<a href="{}">{}</a>',
            runs_link(project__exact=run.project),
            markup.broken(run.project),
        )

    @display(description="Samples")
    def sample_count(self, run: Runfolder) -> SafeString | str:
        count = getattr(run, "sample_count", 0)
        if not count:
            return markup.faint("–")
        page = reverse("admin:runfolders_runfolder_change", args=[run.pk])
        return format_html('<a href="{}?tab=samples">{}</a>', page, count)


_ATTENTION = format_html(
    '<span class="attention-mark" title="Needs attention">{}'
    '<span class="sr-only">Needs attention: </span></span>',
    markup.icon("warning"),
)
