"""`/api/runs/{workflow_id}/tasks`: in pages, or as one CSV; and one task."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.lib.sheets import csv_answer
from seqhub.operations.api.fields import RowSerializer
from seqhub.operations.api.openapi import errors
from turret.api.fields import MaskedField
from turret.api.filters import TaskFilter
from turret.api.rows import task_at
from turret.api.runs import VIEW, may_see_secrets
from turret.choices import TaskStatus
from turret.engine.causes import Cause
from turret.engine.masking import mask
from turret.models import WorkflowTask
from turret.panels.failures import failure_of
from turret.panels.tasks import EXPORTED, export_rows, number_of
from turret.selectors import TASK_HEAVY, find_workflow


class TaskSerializer(RowSerializer):
    """A task in a list: units are in the names."""

    task_id = serializers.SerializerMethodField(
        help_text="Nextflow's number; null while it is not known."
    )

    class Meta:
        model = WorkflowTask
        fields: ClassVar = list(EXPORTED)

    def get_task_id(self, task: WorkflowTask) -> int | None:
        return number_of(task.task_id)


class CauseSerializer(serializers.Serializer[Cause]):
    """Why a task failed, as its exit code and Nextflow's report tell."""

    code = serializers.CharField()
    words = serializers.CharField()
    hint = serializers.CharField()


class TaskDetailSerializer(TaskSerializer):
    """One task, with its script."""

    # Its context says `may_see_secrets`.
    cause = serializers.SerializerMethodField()
    script = MaskedField(read_only=True)
    env = serializers.SerializerMethodField(
        help_text="`K=V` lines, secrets masked; null for who may not see it."
    )
    extra = serializers.SerializerMethodField(
        help_text="What Nextflow says beyond that, by its own names."
    )

    class Meta(TaskSerializer.Meta):
        fields: ClassVar = [
            *TaskSerializer.Meta.fields,
            "cause",
            "script",
            "env",
            "extra",
        ]

    @extend_schema_field(CauseSerializer(allow_null=True))
    def get_cause(self, task: WorkflowTask) -> Any:
        if task.status != TaskStatus.FAILED:
            return None
        workflow = task.workflow
        failure = failure_of(workflow, task, workflow.error_report)
        return CauseSerializer(failure.cause).data

    def get_env(self, task: WorkflowTask) -> str | None:
        if not self.context["may_see_secrets"]:
            return None
        return str(mask(task.env))

    def get_extra(self, task: WorkflowTask) -> dict[str, Any]:
        masked: dict[str, Any] = mask(task.extra or {})
        return masked


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

    As CSV (`?format=csv` or `Accept: text/csv`) all that the filters find; few are made
    at once, the next is answered 503.
    """

    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    renderer_classes = (JSONRenderer, BrowsableAPIRenderer, CsvRenderer)
    model_permissions: ClassVar = VIEW
    queryset = WorkflowTask.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[WorkflowTask]:
        tasks = find_workflow(self.kwargs["workflow_id"]).tasks
        return tasks.defer(*TASK_HEAVY)

    @extend_schema(
        operation_id="run_tasks",
        responses={
            (200, "application/json"): TaskSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
            **errors(400, 404, 503),
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
        name = f"tasks-{self.kwargs['workflow_id']}.csv"
        return csv_answer(self.request, name, EXPORTED, export_rows(rows))


class TaskDetail(APIView):
    """One task, with its script, and its environment for those who may see it."""

    model_permissions: ClassVar = VIEW

    @extend_schema(
        operation_id="run_task", responses={200: TaskDetailSerializer, **errors(404)}
    )
    def get(self, request: Request, workflow_id: str, task_id: int) -> Response:
        context = {"may_see_secrets": may_see_secrets(request)}
        task = task_at(workflow_id, task_id, "error_report")
        return Response(TaskDetailSerializer(task, context=context).data)
