"""`/api/workflow`: Seqera Platform's API about runs, for `tw` and others.

JSON whatever the headers say; unknown query parameters and workspaces don't matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.operations.api.authentication import actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.api.plain_json import AlwaysFirst
from seqhub.operations.choices import Scope
from seqhub.operations.errors import IllegalTransition, NotFound
from turret import models
from turret.api.filters import sorted_tasks
from turret.api.platform import shapes
from turret.api.platform.usage import progress_shape
from turret.api.rows import task_at
from turret.api.runs import VIEW, may_see_secrets
from turret.models import Workflow, WorkflowTask
from turret.selectors import find_workflow, listed_workflows
from turret.services.launching.cancelling import cancel
from turret.services.search import KEYWORDS_HELP, matching, of_task

# The one workspace, for clients that are told to use one.
WORKSPACE = {
    "orgId": 1,
    "orgName": "seqhub",
    "workspaceId": 1,
    "workspaceName": "seqhub",
    "workspaceFullName": "seqhub/seqhub",
    "roles": ["view"],
    "visibility": "SHARED",
}
ORGANIZATION = {**WORKSPACE, "workspaceId": None, "workspaceName": None}
FOUND = {200: OpenApiTypes.OBJECT, **errors(404)}
PAGES = [OpenApiParameter("max", OpenApiTypes.INT, description="At most 1000.")]
PAGES += [OpenApiParameter("offset", OpenApiTypes.INT)]


class Pages(LimitOffsetPagination):
    limit_query_param = "max"
    default_limit = 100
    max_limit = 1000


class PlatformView(APIView):
    """What all calls share."""

    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysFirst
    model_permissions: ClassVar = VIEW


class Workflows(PlatformView):
    """Runs, newest first."""

    @extend_schema(
        operation_id="platform_workflows",
        parameters=[*PAGES, OpenApiParameter("search", description=KEYWORDS_HELP)],
        responses={200: OpenApiTypes.OBJECT, **errors(400)},
    )
    def get(self, request: Request) -> Response:
        rows = matching(listed_workflows(), request.query_params.get("search", ""))
        pages = Pages()
        page: Sequence[Workflow] = pages.paginate_queryset(rows, request) or []
        return Response(
            {
                "workflows": [shapes.listed_shape(row) for row in page],
                "totalSize": pages.count,
                "hasMore": pages.get_next_link() is not None,
            }
        )


class WorkflowDetail(PlatformView):
    """One run; its parameters and configuration for those who may see them."""

    @extend_schema(operation_id="platform_workflow", responses=FOUND)
    def get(self, request: Request, workflow_id: str) -> Response:
        workflow = find_workflow(workflow_id, *shapes.HEAVY)
        shape = shapes.detail_shape(
            workflow,
            progress_shape(workflow),
            may_see_secrets=may_see_secrets(request),
        )
        return Response(shape)


class Progress(PlatformView):
    """Counts and resources of a run, and of each of its processes."""

    @extend_schema(operation_id="platform_progress", responses=FOUND)
    def get(self, request: Request, workflow_id: str) -> Response:
        return Response({"progress": progress_shape(find_workflow(workflow_id))})


class Launch(PlatformView):
    """Null: how to launch a run again is not told here."""

    @extend_schema(operation_id="platform_launch", responses=FOUND)
    def get(self, request: Request, workflow_id: str) -> Response:
        find_workflow(workflow_id)
        return Response({"launch": None})


class Cancel(PlatformView):
    """Stop a run that was launched here (`tw runs cancel`)."""

    model_permissions: ClassVar = {Scope.WRITE: "turret.launch_launch"}

    @extend_schema(
        operation_id="platform_cancel",
        request=None,
        responses={204: None, **errors(404, 409)},
    )
    def post(self, request: Request, workflow_id: str) -> Response:
        workflow = find_workflow(workflow_id)
        launches = models.Launch.objects.filter(workflow=workflow)
        pk = launches.values_list("pk", flat=True).first()
        if pk is None:
            raise IllegalTransition(
                f"{workflow} was not launched here; stop its Nextflow where it runs."
            )
        cancel(pk, actor=actor_of(request))
        return Response(status=204)


class Metrics(PlatformView):
    """What the processes of a run have used, as Nextflow summed it up."""

    @extend_schema(operation_id="platform_metrics", responses=FOUND)
    def get(self, request: Request, workflow_id: str) -> Response:
        return Response(
            {"metrics": find_workflow(workflow_id, "metrics").metrics or []}
        )


class Tasks(PlatformView):
    """Tasks of a run."""

    @extend_schema(
        operation_id="platform_tasks",
        parameters=[
            *PAGES,
            OpenApiParameter("search", description="In the name, hash or work dir."),
            OpenApiParameter("sortBy", description="As in `taskId` or `realtime`."),
            OpenApiParameter("sortDir", enum=["asc", "desc"]),
        ],
        responses=FOUND,
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        query = request.query_params
        rows = find_workflow(workflow_id).tasks.all()
        if text := query.get("search"):
            rows = rows.filter(of_task(text))
        if column := shapes.sort_column(query.get("sortBy", "taskId")):
            downwards = query.get("sortDir", "").lower() == "desc"
            rows = sorted_tasks(rows, [f"-{column}" if downwards else column])
        pages = Pages()
        page: Sequence[WorkflowTask] = pages.paginate_queryset(rows, request) or []
        allowed = may_see_secrets(request)
        tasks = [
            {"task": shapes.task_shape(task, may_see_secrets=allowed)} for task in page
        ]
        return Response({"tasks": tasks, "total": pages.count})


class TaskDetail(PlatformView):
    """One task."""

    @extend_schema(operation_id="platform_task", responses=FOUND)
    def get(self, request: Request, workflow_id: str, task_id: int) -> Response:
        task = task_at(workflow_id, task_id)
        shape = shapes.task_shape(task, may_see_secrets=may_see_secrets(request))
        return Response({"task": shape})


class Workspaces(PlatformView):
    """Where the caller may work: there is one workspace."""

    @extend_schema(operation_id="platform_workspaces", responses=FOUND)
    def get(self, request: Request, user_id: int) -> Response:
        if user_id != request.user.pk:
            raise NotFound("Workspaces are told to their own user only.")
        entries: list[dict[str, Any]] = [ORGANIZATION, WORKSPACE]
        return Response({"orgsAndWorkspaces": entries})
