"""Roots, instruments and samples."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from runfolders.models import Instrument, Root, Sample
from runfolders.panels.chips import root_chip, sequencing_chip, state_chip
from runfolders.panels.dashboard import runs_link
from runfolders.services.scan import request_scan
from seqhub.lib import markup
from seqhub.lib.units import format_bytes, format_duration
from seqhub.operations.admin.base import ConsoleAdmin, ReadOnlyAdmin
from seqhub.operations.admin.confirm import actor_of, safe_next


class RootAdmin(ReadOnlyAdmin):
    list_display = ("where", "host", "status_chip", "disk", "scanned", "runs")
    list_display_links = None
    list_before_template = "runfolders/scan_now.html"
    ordering = ("host", "path")
    empty_words = "No directory is watched."
    empty_hint = (
        "Name the directories that sequencers write to as "
        "runfolders.monitored_directories in seqhub.yaml, then restart."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Root] = super().get_queryset(request)
        present = Q(runfolders__is_present=True, runfolders__ignored_at=None)
        return rows.filter(is_configured=True).annotate(
            run_count=Count("runfolders", filter=present)
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {"may_scan": request.user.has_perm("runfolders.change_root")}
        page: HttpResponse = super().changelist_view(
            request, {**may, **(extra_context or {})}
        )
        return page

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.scan_view)
        return [path("scan/", view, name="runfolders_root_scan"), *super().get_urls()]

    @method_decorator(require_POST)
    def scan_view(self, request: HttpRequest) -> HttpResponse:
        """Ask every host that has a root to scan now."""
        if not request.user.has_perm("runfolders.change_root"):
            raise PermissionDenied
        roots = Root.objects.filter(is_configured=True).order_by("host")
        for host in roots.values_list("host", flat=True).distinct():
            request_scan(host, actor=actor_of(request))
        messages.success(request, "The scan has been asked for.")
        back = reverse("admin:runfolders_root_changelist")
        return HttpResponseRedirect(safe_next(request, back))

    @display(description="Directory", ordering="path")
    def where(self, root: Root) -> SafeString:
        return markup.copyable(root.path)

    @display(description="Status", ordering="status")
    def status_chip(self, root: Root) -> SafeString:
        chip = markup.chip(root_chip(root))
        if not root.message:
            return chip
        return format_html('{}<div class="below">{}</div>', chip, root.message)

    @display(description="Disk", ordering="free_bytes")
    def disk(self, root: Root) -> SafeString | str:
        if not root.total_bytes or root.free_bytes is None:
            return markup.faint("not known")
        used = root.total_bytes - root.free_bytes
        words = f"{format_bytes(root.free_bytes)} free"
        return format_html(
            '<div class="labelled-bar">{}<span>{}</span></div>',
            markup.bar(used, root.total_bytes, f"Disk used; {words}"),
            words,
        )

    @display(description="Last scan", ordering="scanned_at")
    def scanned(self, root: Root) -> SafeString | str:
        if root.scanned_at is None:
            return "not yet"
        took = ""
        if root.scan_duration_s is not None:
            took = f"took {format_duration(root.scan_duration_s)}"
        return markup.lines(markup.since(root.scanned_at), took)

    @display(description="Runs", ordering="run_count")
    def runs(self, root: Root) -> SafeString:
        count = getattr(root, "run_count", 0)
        link = runs_link(root__id__exact=root.pk, is_present__exact=1)
        return format_html('<a href="{}">{}</a>', link, count)


class InstrumentAdmin(ConsoleAdmin):
    list_display = ("serial", "name", "model", "platform", "last_run", "runs")
    list_filter: ClassVar = ["platform"]
    search_fields = ("serial", "name", "model")
    search_help_text = "Serial number, name, model"
    ordering = ("serial",)
    fields = ("serial", "name", "model", "platform")
    readonly_fields = ("serial", "model", "platform")
    empty_words = "No instruments yet."
    empty_hint = "An instrument appears with its first run."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = Q(runfolders__root__is_configured=True, runfolders__ignored_at=None)
        rows: QuerySet[Instrument] = super().get_queryset(request)
        return rows.annotate(
            run_count=Count("runfolders", filter=visible),
            last_seen_at=Max("runfolders__first_seen_at", filter=visible),
        )

    @display(description="Newest run", ordering="last_seen_at")
    def last_run(self, instrument: Instrument) -> SafeString:
        return markup.since(getattr(instrument, "last_seen_at", None))

    @display(description="Runs", ordering="run_count")
    def runs(self, instrument: Instrument) -> SafeString:
        count = getattr(instrument, "run_count", 0)
        link = runs_link(instrument__id__exact=instrument.pk)
        return format_html('<a href="{}">{}</a>', link, count)


class SampleAdmin(ReadOnlyAdmin):
    """Which run holds sample S?"""

    list_display = (
        "sample_id",
        "name",
        "project",
        "lane_words",
        "index_words",
        "run",
        "run_status",
    )
    list_display_links = None
    list_select_related = ("runfolder", "runfolder__instrument")
    search_fields = ("sample_id", "name", "project")
    search_help_text = "Sample, name, project"
    ordering = ("-runfolder_id", "line")
    empty_words = "No samples here."
    empty_hint = "Samples are read from the sample sheets of runs."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Sample]:
        rows: QuerySet[Sample] = super().get_queryset(request)
        return rows.filter(
            runfolder__root__is_configured=True, runfolder__ignored_at=None
        )

    @display(description="Lane", ordering="lane")
    def lane_words(self, sample: Sample) -> str:
        return "all" if sample.lane is None else str(sample.lane)

    @display(description="Index")
    def index_words(self, sample: Sample) -> SafeString:
        both = " + ".join(part for part in (sample.index, sample.index2) if part)
        return format_html("<code>{}</code>", both or "–")

    @display(description="Run", ordering="runfolder__name")
    def run(self, sample: Sample) -> SafeString:
        link = reverse("admin:runfolders_runfolder_change", args=[sample.runfolder_id])
        name = markup.broken(sample.runfolder.name)
        return format_html('<a href="{}">{}</a>', link, name)

    @display(description="Status")
    def run_status(self, sample: Sample) -> SafeString:
        run = sample.runfolder
        return markup.row(
            markup.chip(chip) for chip in (sequencing_chip(run), state_chip(run))
        )
