"""Files that the launch form takes: looked for on the host, or sent with it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from seqhub.lib.patience import TimedOut
from seqhub.lib.turns import NoTurn, Turn
from seqhub.operations.admin.base import ReadOnlyAdmin
from seqhub.operations.errors import DomainError
from turret.admin.launch_context import Shown
from turret.engine.pipelines.samplesheets import MOST_BYTES as MOST_SHEET_BYTES
from turret.engine.pipelines.values import MOST_BYTES as MOST_PARAMS_BYTES
from turret.engine.pipelines.values import BadParams, read_params_file
from turret.services import browsing
from turret.services.samplesheets import check_sheet

LAUNCH = "turret.launch_launch"
DIRECTORY = "directory"


class LaunchFilePages(ReadOnlyAdmin):
    """The dialog that looks for a file or a directory of the host."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.browse_view)
        return [
            path("add/browse/", view, name="turret_launch_browse"),
            *super().get_urls(),
        ]

    def browse_view(self, request: HttpRequest) -> HttpResponse:
        """What is in a directory (`path`; that of a file is the one it is in);
        `picks`: file or directory."""
        if not request.user.has_perm(LAUNCH):
            raise PermissionDenied
        wanted = request.GET.get("path", "")
        context: dict[str, Any] = {
            "roots": browsing.allowed_roots(),
            "picks": request.GET.get("picks", ""),
            "title": "Choose on the host",
        }
        try:
            with closing(Turn(request)):
                context["listing"] = _nearest(wanted)
        except (NoTurn, TimedOut) as error:
            context["why_none"] = str(error)
        except DomainError as error:
            context["why_none"] = error.message
        if "HX-Request" in request.headers:
            return TemplateResponse(request, "turret/launch_form_browse.html", context)
        context |= self.admin_site.each_context(request)
        template = "turret/launch_form_browse_page.html"
        return TemplateResponse(request, template, context)


def with_params_file(request: HttpRequest, shown: Shown) -> Shown:
    """The values of the file take the place of those of the same name."""
    file = request.FILES.get("params_file")
    if file is None:
        return replace(shown, problems={"params_file": "Choose a file first."})
    name = file.name or "The file"
    try:
        found = read_params_file(file.read(MOST_PARAMS_BYTES + 1), name)
    except BadParams as error:
        return replace(shown, problems={"params_file": str(error)})
    said = f"{len(found)} value{'s'[: len(found) != 1]} taken from {name}."
    return replace(shown, params=shown.params | found, said=said)


def with_sheet(request: HttpRequest, shown: Shown, key: str) -> Shown:
    """A sample sheet, checked against its own schema, is kept in a directory of the
    host, and the parameter names it."""
    name = f"params.{key}"
    file = request.FILES.get(f"sheet.{key}")
    if file is None:
        return replace(shown, problems={name: "Choose a sheet to upload first."})
    param = shown.schema.params.get(key) if shown.schema else None
    if param is None or not param.schema:
        return replace(shown, problems={name: "The pipeline describes no such sheet."})
    asked = shown.asked
    try:
        raw = file.read(MOST_SHEET_BYTES + 1)
        wrong = check_sheet(asked.source, asked.revision, param.schema, raw)
        if wrong:
            return replace(shown, problems={name: "\n".join(wrong)})
        file.seek(0)
        saved, _ = browsing.save_upload(
            request.POST.get("sheet_directory", "").strip(),
            file.name or "samplesheet.csv",
            file,
            who=request.user.get_username(),
        )
    except TimedOut as error:
        return replace(shown, problems={name: f"{error}."})
    except DomainError as error:
        return replace(shown, problems={name: error.message})
    said = f"The sheet is right, and kept as {saved}."
    return replace(shown, params=shown.params | {key: saved}, said=said)


def _nearest(path: str) -> Any:
    """The listing of a directory, or of the one that something is in; None: of the
    roots."""
    roots = browsing.allowed_roots()
    if not path.startswith("/"):
        return browsing.browse(roots[0]) if len(roots) == 1 else None
    try:
        return browsing.browse(path)
    except DomainError:
        parent = path.rstrip("/").rpartition("/")[0]
        if any(parent.startswith(root) for root in roots):
            return browsing.browse(parent)
        raise
