"""`/api/runs`: the list, one run, and what is known of it besides its tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.operations.api.openapi import errors
from seqhub.operations.api.serializers import EventSerializer
from seqhub.operations.choices import Scope
from seqhub.operations.models import Event
from turret.api.filters import RunFilter
from turret.api.pages import OldPage
from turret.api.serializers import (
    ProcessSerializer,
    RunConfigSerializer,
    WorkflowDetailSerializer,
    WorkflowSerializer,
    run_context,
)
from turret.engine.masking import mask
from turret.models import Workflow, WorkflowProcess
from turret.selectors import chain_of, find_workflow, listed_workflows

VIEW = {Scope.READ: "turret.view_workflow"}
DETAILS = ("error_report", "manifest", "stats", "containers", "extra")
SECRETS = "turret.see_secrets_workflow"


def may_see_secrets(request: Request) -> bool:
    return bool(request.user.has_perm(SECRETS))


class RunPage(OldPage):
    rows = "runs"


class RunList(ListAPIView[Workflow]):
    """Runs of Nextflow, newest first."""

    serializer_class = WorkflowSerializer
    filterset_class = RunFilter
    pagination_class = RunPage
    model_permissions: ClassVar = VIEW

    def get_queryset(self) -> QuerySet[Workflow]:
        return listed_workflows()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.filter_queryset(self.get_queryset())
        page: Sequence[Workflow] = self.paginate_queryset(rows) or []
        context = run_context(request, page)
        return self.get_paginated_response(
            WorkflowSerializer(page, many=True, context=context).data
        )


class RunDetail(APIView):
    """One run."""

    model_permissions: ClassVar = VIEW

    @extend_schema(
        operation_id="run", responses={200: WorkflowDetailSerializer, **errors(404)}
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        workflow = find_workflow(workflow_id, *DETAILS)
        context = run_context(request, [workflow])
        context["chain"] = chain_of(workflow)
        context["may_see_secrets"] = may_see_secrets(request)
        return Response(WorkflowDetailSerializer(workflow, context=context).data)


class RunConfig(APIView):
    """Parameters and configuration of a run; they may hold secrets."""

    model_permissions: ClassVar = {Scope.READ: SECRETS}

    @extend_schema(
        operation_id="run_config",
        responses={200: RunConfigSerializer, **errors(403, 404)},
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        columns = ("params", "config_files", "config_text")
        workflow = find_workflow(workflow_id, *columns)
        return Response({name: mask(getattr(workflow, name)) for name in columns})


class ProcessList(ListAPIView[WorkflowProcess]):
    """Processes of a run, in its pipeline's order."""

    serializer_class = ProcessSerializer
    model_permissions: ClassVar = VIEW
    queryset = WorkflowProcess.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[WorkflowProcess]:
        return find_workflow(self.kwargs["workflow_id"]).processes.all()


class MetricsSerializer(serializers.Serializer[dict[str, Any]]):
    metrics = serializers.ListField(
        child=serializers.JSONField(),
        help_text="One a process, as Nextflow sends them when it ends: series with "
        "mean, min, q1, q2, q3, max and the tasks' names.",
    )


class RunMetrics(APIView):
    """Resources that the processes of a run have used."""

    model_permissions: ClassVar = VIEW

    @extend_schema(
        operation_id="run_metrics", responses={200: MetricsSerializer, **errors(404)}
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        return Response(
            {"metrics": find_workflow(workflow_id, "metrics").metrics or []}
        )


class DagSerializer(serializers.Serializer[dict[str, Any]]):
    dag = serializers.JSONField(
        allow_null=True,
        help_text="`vertices` and `edges`, as Nextflow 26.05 and later send them.",
    )


class RunDag(APIView):
    """Which processes and operators of a run feed which."""

    model_permissions: ClassVar = VIEW

    @extend_schema(
        operation_id="run_dag", responses={200: DagSerializer, **errors(404)}
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        return Response({"dag": find_workflow(workflow_id, "dag").dag})


class RunEvents(ListAPIView[Event]):
    """What happened to a run, newest first."""

    serializer_class = EventSerializer
    model_permissions: ClassVar = VIEW
    queryset = Event.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[Event]:
        workflow = find_workflow(self.kwargs["workflow_id"])
        return Event.objects.filter(subject=workflow.subject)
