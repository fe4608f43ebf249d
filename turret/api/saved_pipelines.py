"""`/api/saved-pipelines`: what staff start by its name."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import PermissionDenied
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.operations.api.authentication import actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope
from turret.api.callers import person_of
from turret.api.pipeline_filters import PipelineFilter
from turret.api.pipeline_serializers import (
    PipelineRequestSerializer,
    PipelineSerializer,
)
from turret.api.runs import may_see_secrets
from turret.models import Pipeline
from turret.selectors import find_pipeline, visible_pipelines
from turret.services.pipelines import change_pipeline, create_pipeline, delete_pipeline

READ = {Scope.READ: "turret.view_pipeline"}


def answer(request: Request, pipeline: Pipeline, status: int = 200) -> Response:
    context = {"request": request, "may_see_secrets": may_see_secrets(request)}
    return Response(PipelineSerializer(pipeline, context=context).data, status)


class PipelineList(ListAPIView[Pipeline]):
    """Saved pipelines that the caller may launch; for those who change them, all."""

    serializer_class = PipelineSerializer
    filterset_class = PipelineFilter
    model_permissions: ClassVar = {**READ, Scope.WRITE: "turret.add_pipeline"}
    queryset = Pipeline.objects.none()  # for the OpenAPI document

    def get_queryset(self) -> QuerySet[Pipeline]:
        return visible_pipelines(self.request.user)

    def get_serializer_context(self) -> dict[str, Any]:
        known = super().get_serializer_context()
        return {**known, "may_see_secrets": may_see_secrets(self.request)}

    @extend_schema(
        request=PipelineRequestSerializer,
        responses={201: PipelineSerializer, **errors(400)},
    )
    def post(self, request: Request) -> Response:
        """Save a pipeline."""
        sent = PipelineRequestSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        pipeline = create_pipeline(
            values,
            groups=values.pop("groups", ()),
            owner=person_of(request),
            actor=actor_of(request),
        )
        return answer(request, pipeline, 201)


class PipelineDetail(APIView):
    """One saved pipeline."""

    model_permissions: ClassVar = {**READ, Scope.WRITE: "turret.view_pipeline"}

    @extend_schema(
        operation_id="saved_pipeline",
        responses={200: PipelineSerializer, **errors(404)},
    )
    def get(self, request: Request, pk: int) -> Response:
        return answer(request, find_pipeline(pk, request.user))

    @extend_schema(
        operation_id="saved_pipeline_change",
        request=PipelineRequestSerializer,
        responses={200: PipelineSerializer, **errors(400, 403, 404)},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what is sent; launches stay as they are."""
        require(request, "turret.change_pipeline")
        sent = PipelineRequestSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        values = dict(sent.validated_data)
        groups = values.pop("groups", None)
        change_pipeline(pk, values, groups=groups, actor=actor_of(request))
        return answer(request, find_pipeline(pk, request.user))

    @extend_schema(
        operation_id="saved_pipeline_delete",
        responses={204: None, **errors(403, 404)},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Delete it; its launches stay."""
        require(request, "turret.delete_pipeline")
        delete_pipeline(pk, actor=actor_of(request))
        return Response(status=204)


def require(request: Request, permission: str) -> None:
    """Raises PermissionDenied."""
    if not request.user.has_perm(permission):
        name = request.user.get_username()
        raise PermissionDenied(f"{name} lacks the permission {permission}.")
