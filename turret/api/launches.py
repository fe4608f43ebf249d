"""`/api/launches`: starting pipelines, and what became of them."""

from __future__ import annotations

import shlex
from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.operations.api.authentication import actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope
from turret.api.callers import person_of
from turret.api.launch_filters import LaunchFilter
from turret.api.launch_requests import (
    ChangesSerializer,
    LaunchRequestSerializer,
    RelaunchSerializer,
    callers_words,
    changed,
    sent_by,
    wanted_by,
)
from turret.api.launch_serializers import (
    COLUMNS,
    CancelledSerializer,
    LaunchDetailSerializer,
    LaunchSerializer,
    NewLaunchSerializer,
    PreviewSerializer,
)
from turret.api.pages import OldPage
from turret.api.runs import may_see_secrets
from turret.engine.masking import mask
from turret.models import Launch
from turret.selectors import find_launch, find_workflow, listed_launches
from turret.services.acceptance import accept
from turret.services.launching.cancelling import cancel
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.resuming import request_to_relaunch, request_to_resume
from turret.services.launching.submission import Preview, preview, submit

PERMISSIONS = {
    Scope.READ: "turret.view_launch",
    Scope.WRITE: "turret.launch_launch",
}
DRY_RUN = OpenApiParameter(
    "dry_run", OpenApiTypes.BOOL, description="As in the body: only tell."
)
TOLD = {
    200: PreviewSerializer,
    201: NewLaunchSerializer,
    **errors(400, 404, 409, 422),
}


class LaunchPage(OldPage):
    rows = "launches"


def context_of(request: Request) -> dict[str, Any]:
    """What the serializers of launches need."""
    return {"request": request, "may_see_secrets": may_see_secrets(request)}


class LaunchList(ListAPIView[Launch]):
    """Starts of pipelines, newest first."""

    serializer_class = LaunchSerializer
    filterset_class = LaunchFilter
    pagination_class = LaunchPage
    model_permissions: ClassVar = PERMISSIONS

    def get_queryset(self) -> QuerySet[Launch]:
        return listed_launches().only(*COLUMNS)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **context_of(self.request)}

    @extend_schema(
        request=LaunchRequestSerializer, parameters=[DRY_RUN], responses=TOLD
    )
    def post(self, request: Request) -> Response:
        """Launch a pipeline, or only tell what would be run (200).

        Its parameters are held against its nextflow_schema.json: 422, with `fields` in
        `detail`. Where that can't be read, they are not, and the answer says so.
        """
        sent = sent_by(LaunchRequestSerializer, request)
        wanted = wanted_by(sent, person_of(request))
        return launched(request, wanted, is_dry=sent["dry_run"])


class LaunchDetail(APIView):
    """One launch."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="launch", responses={200: LaunchDetailSerializer, **errors(404)}
    )
    def get(self, request: Request, launch_id: str) -> Response:
        launch = find_launch(launch_id)
        context = context_of(request)
        return Response(LaunchDetailSerializer(launch, context=context).data)

    @extend_schema(
        operation_id="launch_cancel",
        responses={200: CancelledSerializer, **errors(404, 409)},
    )
    def delete(self, request: Request, launch_id: str) -> Response:
        """Cancel it; `state` says how far that is. 409 when it has ended."""
        found = find_launch(launch_id)
        launch = cancel(found.pk, actor=actor_of(request))
        return Response(
            {
                "launch_id": launch.launch_id,
                "status": "cancelled",
                "state": launch.state,
            }
        )


class Resume(APIView):
    """Go on with a launch, or a traced run, where it ended: in its session."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="launch_resume", request=ChangesSerializer, responses=TOLD
    )
    def post(self, request: Request, launch_id: str) -> Response:
        sent = sent_by(ChangesSerializer, request)
        before = request_to_resume(find_workflow(launch_id).pk)
        return launched(request, changed(before, sent), is_dry=sent["dry_run"])


class Relaunch(APIView):
    """Launch the same again, from its beginning."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="launch_relaunch", request=RelaunchSerializer, responses=TOLD
    )
    def post(self, request: Request, launch_id: str) -> Response:
        sent = sent_by(RelaunchSerializer, request)
        before = request_to_relaunch(find_launch(launch_id).pk)
        return launched(request, changed(before, sent), is_dry=sent["dry_run"])


def launched(request: Request, wanted: LaunchRequest, *, is_dry: bool) -> Response:
    """The answer about a new launch, or about what it would be. Raises BadLaunch in
    the callers' words, and as submit does."""
    user = person_of(request)
    with callers_words():
        why_unchecked = accept(wanted, user)
        if is_dry:
            return told(request, preview(wanted, user=user), why_unchecked)
        launch = submit(wanted, user=user, actor=actor_of(request))
    context = {**context_of(request), "why_unchecked": why_unchecked}
    row = find_launch(launch.launch_id)
    return Response(NewLaunchSerializer(row, context=context).data, 201)


def told(request: Request, found: Preview, why_unchecked: str) -> Response:
    """Of a launch that is not to be."""
    argv = mask(list(found.argv))
    body = {
        "dry_run": True,
        "argv": argv,
        "command": shlex.join(argv),
        "environment": list(found.environment),
        "files": found.files if may_see_secrets(request) else None,
        "params_checked": not why_unchecked,
        "unchecked_because": why_unchecked,
    }
    return Response(PreviewSerializer(body).data)
