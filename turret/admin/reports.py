"""Reports of a workflow, opened in a frame in which they can do no harm.

A report is a page that anybody who computes may write, with scripts of its own. It gets
an origin of its own: no cookie, no storage and no page of ours is within its reach, and
no address but its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import content_disposition_header
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from seqhub.lib.patience import TimedOut
from seqhub.lib.turns import NoTurn, Turn
from turret.admin.workflows import WorkflowList
from turret.engine.reports import HTML, Named
from turret.engine.tails import Untold
from turret.models import Workflow
from turret.panels.links import workflow_link
from turret.panels.reports import Found, file_of, find_reports, lines_of, read_report
from turret.selectors import listed_workflows

# What a browser shows as it is; anything else is a file to keep. Tables are text: no
# browser shows them otherwise, and PDF readers don't work in a sandbox.
_TEXT = "text/plain; charset=utf-8"
SHOWN = {
    HTML: "text/html; charset=utf-8",
    "text/plain": _TEXT,
    "text/markdown": _TEXT,
    "text/csv": _TEXT,
    "text/tab-separated-values": _TEXT,
    "application/json": _TEXT,
    "application/yaml": _TEXT,
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/gif": "image/gif",
    "image/webp": "image/webp",
    "image/svg+xml": "image/svg+xml",
}
_ONLY_ITSELF = (
    "default-src 'none'; style-src 'unsafe-inline' data:; img-src data: blob:; "
    "font-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
STILL = f"sandbox; {_ONLY_ITSELF}"
# MultiQC draws its plots by scripts, and offers them as files.
SCRIPTED = (
    f"sandbox allow-scripts allow-downloads; {_ONLY_ITSELF}; connect-src data: blob:; "
    "script-src 'unsafe-inline' 'unsafe-eval' data: blob:; worker-src blob:"
)
# In an origin of their own pages have neither storage nor cookies: MultiQC stops at the
# first look for them. What stands in for both is forgotten with the page.
# A second doctype is skipped; none before a script would change how a page is drawn.
STORAGE = b"""<!doctype html><script>
for (const name of ["localStorage", "sessionStorage"]) {
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(String(key)) ?? null,
    setItem: (key, value) => { kept.set(String(key), String(value)); },
    removeItem: (key) => { kept.delete(String(key)); },
    clear: () => { kept.clear(); },
    key: (index) => [...kept.keys()][index] ?? null,
    get length() { return kept.size; },
  };
  Object.defineProperty(window, name, { value: storage });
}
Object.defineProperty(document, "cookie", { value: "", writable: true });
</script>
"""


class ReportPages(WorkflowList):
    """The list of a workflow's reports, a page for each, and the files themselves."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        name = "turret_workflow_report"
        file_view = xframe_options_sameorigin(require_safe(self.report_file_view))
        return [
            path("<int:pk>/reports/", view(self.reports_view), name=f"{name}s"),
            path("<int:pk>/reports/<str:key>/", view(self.report_view), name=name),
            path(
                "<int:pk>/reports/<str:key>/file", view(file_view), name=f"{name}_file"
            ),
            *super().get_urls(),
        ]

    def reports_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For htmx: the list; a page of its own without JavaScript."""
        workflow = self._listed(request, pk)
        try:
            with closing(Turn(request)):
                found = find_reports(workflow)
        except NoTurn as error:
            found = Found(why_none=str(error), is_busy=True)
        context = {"found": found, "lines": lines_of(workflow, found.reports)}
        if "HX-Request" in request.headers:
            return TemplateResponse(request, "turret/reports_list.html", context)
        return self._page(request, workflow, "turret/reports.html", "Reports", context)

    def report_view(self, request: HttpRequest, pk: int, key: str) -> HttpResponse:
        """A page with the report in a frame. Reads no file."""
        workflow = self._listed(request, pk)
        report = _Opened.of(workflow, key)
        args = [pk, key]
        context = {
            "report": report,
            "file_link": reverse("admin:turret_workflow_report_file", args=args),
            "reports_link": workflow_link(workflow, "reports"),
        }
        return self._page(request, workflow, "turret/report.html", report.name, context)

    def report_file_view(
        self, request: HttpRequest, pk: int, key: str
    ) -> HttpResponseBase:
        """The bytes of a report; `?download`: to keep."""
        workflow = self._listed(request, pk)
        report = _Opened.of(workflow, key)
        is_kept = "download" in request.GET or not report.is_shown
        # Alone it could lead its reader elsewhere; the page's policy prevents that.
        if not is_kept and request.headers.get("Sec-Fetch-Dest") == "document":
            page = reverse("admin:turret_workflow_report", args=[pk, key])
            return HttpResponseRedirect(page)
        try:
            turn = Turn(request)
        except NoTurn as error:
            return _refusal(str(error), HTTPStatus.SERVICE_UNAVAILABLE)
        try:
            size_bytes, data = read_report(report.named)
        except (Untold, TimedOut) as error:
            turn.close()
            return _refusal(str(error), HTTPStatus.NOT_FOUND)
        # Whoever reads slowly must not keep a connection from the trace meanwhile.
        if not connection.in_atomic_block:
            connection.close()
        if not is_kept and report.named.mime_type == HTML:
            size_bytes += len(STORAGE)
            data = _with_storage(data)
        return StreamingHttpResponse(
            turn.give(data),
            content_type=report.content_type,
            headers={
                "Content-Length": str(size_bytes),
                "Content-Disposition": content_disposition_header(is_kept, report.name)
                or "inline",
                "Content-Security-Policy": report.policy,
                "Cross-Origin-Resource-Policy": "same-origin",
            },
        )

    def _page(
        self,
        request: HttpRequest,
        workflow: Workflow,
        template: str,
        title: str,
        context: dict[str, object],
    ) -> HttpResponse:
        context |= self.admin_site.each_context(request)
        context |= {"title": title, "opts": self.opts, "original": workflow}
        return TemplateResponse(request, template, {"workflow": workflow, **context})

    def _listed(self, request: HttpRequest, pk: int) -> Workflow:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = listed_workflows().filter(pk=pk).first()
        if row is None:
            raise Http404("The workflow is not known.")
        return row


@dataclass(frozen=True, slots=True)
class _Opened:
    """A report that somebody has chosen from the list."""

    named: Named

    @classmethod
    def of(cls, workflow: Workflow, key: str) -> _Opened:
        try:
            return cls(file_of(workflow, key))
        except signing.BadSignature:
            raise Http404("The workflow has no such report.") from None

    @property
    def name(self) -> str:
        return self.named.path.rpartition("/")[2]

    @property
    def path(self) -> str:
        return self.named.path

    @property
    def is_shown(self) -> bool:
        return self.named.mime_type in SHOWN

    @property
    def content_type(self) -> str:
        return SHOWN.get(self.named.mime_type, "application/octet-stream")

    @property
    def policy(self) -> str:
        return SCRIPTED if self.named.mime_type == HTML else STILL


def _with_storage(page: Iterator[bytes]) -> Iterator[bytes]:
    yield STORAGE
    yield from page


def _refusal(why: str, status: HTTPStatus) -> HttpResponse:
    """Shown in the frame."""
    return HttpResponse(
        f"{why}\n",
        status=status,
        content_type=_TEXT,
        headers={"Content-Security-Policy": STILL},
    )
