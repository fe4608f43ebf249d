"""The list of archives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.admin import AllValuesFieldListFilter, ShowFacets, display
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from archiving.admin.actions import ACTIONS, SEAL
from archiving.admin.filters import ShowFilter, annotated, views
from archiving.choices import Status, Verified
from archiving.models import ArchiveJob
from archiving.panels.cells import (
    open_verifications,
    progress_cell,
    status_cell,
    verified_cell,
)
from archiving.panels.links import archive_link
from archiving.panels.reads import last_reads
from archiving.selectors import visible_jobs
from runfolders.admin.runs import KeyPaginator
from seqhub.lib import markup
from seqhub.lib.units import format_bytes
from seqhub.operations.admin.base import CountedList, ReadOnlyAdmin, is_key
from seqhub.operations.admin.bulk import bulk_action

# Columns that no line of the list shows.
_LONG = ("wrapped_key", "publishing", "raw_path")
_LIVE_MOST = 100
# What an empty list says to configure.
EXAMPLE = """\
archiving:
  destination_path: /data/archive
  gpg_receivers: [archive@example.org]
  restore_roots: [/data/restored]
"""


class JobList(CountedList):
    """A page of archives, each with its open verification as `looking`, and `read_at`.

    `moving`: the ids of those that may change by themselves; `is_live`: does one
    of them move now? `newest`: the id of the youngest archive that there is.
    """

    moving: str
    is_live: bool
    newest: int

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = with_verifications(self.result_list)
        waits = [job for job in self.result_list if may_move(job)]
        self.moving = ",".join(str(job.pk) for job in waits)
        self.is_live = any(moves(job) for job in waits)
        self.newest = visible_jobs().aggregate(newest=Max("pk"))["newest"] or 0


def with_verifications(rows: Any) -> list[Any]:
    jobs = list(rows)
    looking, reads = open_verifications(jobs), last_reads(jobs)
    for job in jobs:
        job.looking, job.read_at = looking.get(job.pk), reads[job.pk]
    return jobs


def moves(job: Any) -> bool:
    return job.status == Status.PROCESSING or job.looking is not None


def may_move(job: Any) -> bool:
    return moves(job) or (job.status == Status.PENDING and job.held_at is None)


class ArchiveJobList(ReadOnlyAdmin):
    """Read-only columns; whatever changes an archive is an action."""

    list_display = (
        "run",
        "status_chips",
        "verified",
        "progress",
        "size",
        "failures",
        "what_next",
    )
    list_display_links = None
    paginator = KeyPaginator
    list_before_template = "archiving/list_before.html"
    list_fullwidth = True
    list_filter: ClassVar = [
        ShowFilter,
        "status",
        "verification",
        "origin",
        ("code", AllValuesFieldListFilter),
        ("host", AllValuesFieldListFilter),
        ("sequencer", AllValuesFieldListFilter),
        ("created_at", RangeDateTimeFilter),
        ("sealed_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    show_facets = ShowFacets.NEVER
    search_fields = ("name", "run_name", "path")
    search_help_text = "Run, archive, path"
    empty_template = "archiving/empty.html"

    example = EXAMPLE

    @property
    def sealing_is_on(self) -> bool:
        """For the words of an empty list."""
        return bool(settings.CONFIG.archiving.is_on)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        running = Q(status=Status.PROCESSING)
        rows: QuerySet[Any] = annotated(ArchiveJob.objects.all())
        rows = rows.annotate(is_running=running)
        return rows.defer(*_LONG)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return JobList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("-needs_attention", "-is_running", "-created_at", "-pk")

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
        if not request.user.has_perm(SEAL):
            return {}
        return {
            key: bulk_action(action.change)
            for key, action in ACTIONS.items()
            if action.in_bulk
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.list_live_view)
        name = "archiving_archivejob_list_live"
        return [path("live/", view, name=name), *super().get_urls()]

    def list_live_view(self, request: HttpRequest) -> HttpResponse:
        """For htmx: the cells that move, of the archives that a list shows, and how
        many archives are newer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted = [key for key in request.GET.get("ids", "").split(",") if is_key(key)]
        newest = request.GET.get("newest", "")
        is_told = is_key(newest)
        rows = ArchiveJob.objects.filter(pk__in=wanted[:_LIVE_MOST]).defer(*_LONG)
        jobs = with_verifications(rows)
        moving = [job for job in jobs if may_move(job)]
        context = {
            "cells": [
                (f"job-{job.pk}-{name}", cell(job))
                for job in jobs
                for name, cell in _CELLS.items()
            ],
            "moving": ",".join(str(job.pk) for job in moving),
            "is_live": any(moves(job) for job in moving),
            "is_on": self.sealing_is_on,
            "newest": newest if is_told else "",
            "fresh": visible_jobs().filter(pk__gt=newest).count() if is_told else 0,
        }
        return TemplateResponse(request, "archiving/list_live.html", context)

    @display(description="Run", ordering="run_name")
    def run(self, job: ArchiveJob) -> SafeString:
        below = job.sequencer
        if job.name != job.run_name:
            below = f"{below}, archive {job.name}" if below else job.name
        return format_html(
            '<div class="run-cell">{}<a class="run-link" href="{}">{}</a>{}</div>',
            _ATTENTION if getattr(job, "needs_attention", False) else "",
            archive_link(job),
            markup.broken(job.run_name),
            format_html('<div class="below">{}</div>', markup.broken(below))
            if below
            else "",
        )

    @display(description="Status", ordering="status")
    def status_chips(self, job: ArchiveJob) -> SafeString:
        return _cell(job, "status")

    @display(description="Verified", ordering="verified_at")
    def verified(self, job: ArchiveJob) -> SafeString:
        return _cell(job, "verified")

    @display(description="Progress or age", ordering="status_since")
    def progress(self, job: ArchiveJob) -> SafeString:
        return _cell(job, "progress")

    @display(description="Size", ordering="source_bytes")
    def size(self, job: ArchiveJob) -> SafeString | str:
        if job.source_bytes is None and job.archive_bytes is None:
            return markup.faint("–")
        archive = ""
        if job.archive_bytes is not None:
            archive = f"archive {format_bytes(job.archive_bytes)}"
        if job.source_bytes is None:
            return archive
        return markup.lines(format_bytes(job.source_bytes), archive)

    @display(description="Failures", ordering="failure_count")
    def failures(self, job: ArchiveJob) -> SafeString | str:
        if not job.failure_count:
            return markup.faint("–")
        link = archive_link(job, "attempts")
        return format_html('<a href="{}">{}</a>', link, job.failure_count)

    @display(description="Next step")
    def what_next(self, job: ArchiveJob) -> SafeString | str:
        if job.message:
            return format_html(
                "<div>{}</div>", markup.lines(job.message, job.next_step)
            )
        if job.verification == Verified.DAMAGED:
            link = archive_link(job, "verifications")
            return format_html('<a href="{}">See what was found</a>', link)
        if job.held_at:
            return job.held_reason
        return markup.faint("–")


def _verified(job: Any) -> SafeString:
    return verified_cell(job, job.looking, job.read_at)


_CELLS: dict[str, Callable[[Any], SafeString]] = {
    "status": status_cell,
    "verified": _verified,
    "progress": progress_cell,
}


def _cell(job: ArchiveJob, name: str) -> SafeString:
    """A cell that the live fragment finds again."""
    cell = _CELLS[name](job)
    return format_html(
        '<div class="live-cell" id="job-{}-{}">{}</div>', job.pk, name, cell
    )


_ATTENTION = format_html(
    '<span class="attention-mark" title="Needs attention">{}'
    '<span class="sr-only">Needs attention: </span></span>',
    markup.icon("warning"),
)
