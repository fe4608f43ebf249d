"""`/api/workflow/{id}/log` and `/download`: what Nextflow and its tasks wrote.

Only below the directories of turret.readable_roots, and of a long file its end.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope
from seqhub.operations.errors import NotFound
from turret.api.platform.views import FOUND, PlatformView
from turret.api.rows import task_at
from turret.api.runs import SECRETS
from turret.engine.tails import Tail, Untold
from turret.panels.work_dir import masked_tail
from turret.selectors import find_workflow

LOG_FILE = ".nextflow.log"
LOG_BYTES = 256 << 10
DOWNLOAD_BYTES = 4 << 20
# Scripts (`.command.run`) hold the environment.
OF_TASKS = (".command.out", ".command.err", ".command.log")
# It begins with the command line, and may hold all of the configuration.
OF_NEXTFLOW = {Scope.READ: SECRETS}
FILE_NAME = OpenApiParameter("fileName", required=True)
DOWNLOAD: dict[Any, Any] = {(200, "text/plain"): OpenApiTypes.STR, **errors(404)}


class Log(PlatformView):
    """The end of `.nextflow.log`, where it can be read here."""

    model_permissions: ClassVar = OF_NEXTFLOW

    @extend_schema(operation_id="platform_log", responses={**FOUND, **errors(403)})
    def get(self, request: Request, workflow_id: str) -> Response:
        tail = _tail(find_workflow(workflow_id).launch_dir, LOG_FILE, LOG_BYTES)
        return Response(
            {
                "log": {
                    "entries": tail.text.splitlines(),
                    "truncated": tail.is_cut,
                    "pending": False,
                }
            }
        )


class Download(PlatformView):
    """`nf-{id}.log`: Nextflow's log."""

    model_permissions: ClassVar = OF_NEXTFLOW

    @extend_schema(
        operation_id="platform_download", parameters=[FILE_NAME], responses=DOWNLOAD
    )
    def get(self, request: Request, workflow_id: str) -> HttpResponse:
        workflow = find_workflow(workflow_id)
        name = request.query_params.get("fileName", "")
        if name != f"nf-{workflow_id}.log":
            raise NotFound(f"{name[:50]!r} is not kept; there is nf-{workflow_id}.log.")
        return _file(name, _tail(workflow.launch_dir, LOG_FILE, DOWNLOAD_BYTES))


class TaskDownload(PlatformView):
    """What a task wrote: `.command.out`, `.command.err`, `.command.log`."""

    @extend_schema(
        operation_id="platform_task_download",
        parameters=[FILE_NAME],
        responses=DOWNLOAD,
    )
    def get(self, request: Request, workflow_id: str, task_id: int) -> HttpResponse:
        task = task_at(workflow_id, task_id)
        name = request.query_params.get("fileName", "")
        if name not in OF_TASKS:
            raise NotFound(f"{name[:50]!r} is none of {', '.join(OF_TASKS)}.")
        return _file(name, _tail(task.workdir, name, DOWNLOAD_BYTES))


def _tail(directory: str, name: str, limit_bytes: int) -> Tail:
    """The end of a file, masked. Raises NotFound, which says why."""
    try:
        return masked_tail(directory, name, limit_bytes)
    except Untold as error:
        raise NotFound(str(error)) from None


def _file(name: str, tail: Tail) -> HttpResponse:
    return HttpResponse(
        tail.text,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(True, name)},
    )
