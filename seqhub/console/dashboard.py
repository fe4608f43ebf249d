"""The first page: what needs a person, what moves, what is new."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from runfolders.panels.dashboard import scan_panel
from runfolders.services.scan import ROLE as SCANNER
from seqhub.console import panels
from seqhub.console.health import health_line
from seqhub.operations.panels import signs_of_life


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The index page's context (unfold's DASHBOARD_CALLBACK)."""
    return {**context, **dashboard_context(request), "title": "Dashboard"}


def dashboard_context(request: HttpRequest) -> dict[str, Any]:
    if not request.user.has_perm("runfolders.view_runfolder"):
        return {"has_no_role": True}
    shown = panels.dashboard_panels()
    signs = signs_of_life()
    # That panel has read them.
    roots = next(panel.content["lines"] for panel in shown if panel.key == "storage")
    scan = scan_panel([sign.beat for sign in signs if sign.role == SCANNER])
    return {
        "panels": shown,
        "scan": scan,
        "counts": panels.counts_of_today(),
        "health": health_line(signs, roots),
        "is_live": scan.is_live or any(panel.is_live for panel in shown),
        "is_tryout": settings.CONFIG.is_tryout,
        "has_sources": bool(roots or settings.CONFIG.archiving.sequencing_path),
        "may_ignore": request.user.has_perm("operations.change_attention"),
        "may_scan": request.user.has_perm("runfolders.change_root"),
    }


def dashboard_fragment(request: HttpRequest) -> HttpResponse:
    """What moves on the dashboard, for htmx."""
    if not request.user.has_perm("runfolders.view_runfolder"):
        raise PermissionDenied
    context = dashboard_context(request)
    return TemplateResponse(request, "console/dashboard_body.html", context)
