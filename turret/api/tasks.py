"""`/api/runs/{workflow_id}/tasks`: in pages, or as one CSV; and one task."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.lib.sheets import csv_lines
from seqhub.operations.api.openapi import errors
from turret.api.filters import TaskFilter
from turret.api.rows import task_at, workflow_at
from turret.api.runs import VIEW, may_see_secrets
from turret.api.serializers import TaskDetailSerializer, TaskSerializer
from turret.models import WorkflowTask
from turret.selectors import TASK_HEAVY

COLUMNS: tuple[str, ...] = tuple(TaskSerializer.Meta.fields)
# Rows that are fetched at a time.
CHUNK = 500


class CsvRenderer(BaseRenderer):
    """Chosen by `?format=csv` or `Accept: text/csv`; errors are one line."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> str:
        return f"{data['code']}: {data['message']}\n"


class TaskList(ListAPIView[WorkflowTask]):
    """Tasks of a run, in the order in which Nextflow made them.

    As CSV (`?format=csv` or `Accept: text/csv`) all that the filters find, streamed.
    """

    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    renderer_classes = (JSONRenderer, BrowsableAPIRenderer, CsvRenderer)
    model_permissions: ClassVar = VIEW
    queryset = WorkflowTask.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[WorkflowTask]:
        tasks = workflow_at(self.kwargs["workflow_id"]).tasks
        return tasks.defer(*TASK_HEAVY)

    @extend_schema(
        operation_id="run_tasks",
        responses={
            (200, "application/json"): TaskSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
            **errors(400, 404),
        },
    )
    def get(  # type: ignore[override]  # a stream is none of DRF's own answers
        self, request: Request, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        if isinstance(request.accepted_renderer, CsvRenderer):
            return self._as_csv()
        return self.list(request, *args, **kwargs)

    def _as_csv(self) -> StreamingHttpResponse:
        rows = self.filter_queryset(self.get_queryset())
        cells = rows.values_list(*COLUMNS).iterator(chunk_size=CHUNK)
        name = content_disposition_header(
            True, f"tasks-{self.kwargs['workflow_id']}.csv"
        )
        return StreamingHttpResponse(
            csv_lines(COLUMNS, cells),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": name},
        )


class TaskDetail(APIView):
    """One task, with its script, and its environment for those who may see it."""

    model_permissions: ClassVar = VIEW

    @extend_schema(
        operation_id="run_task", responses={200: TaskDetailSerializer, **errors(404)}
    )
    def get(self, request: Request, workflow_id: str, task_id: int) -> Response:
        context = {"may_see_secrets": may_see_secrets(request)}
        task = task_at(workflow_id, task_id)
        return Response(TaskDetailSerializer(task, context=context).data)
