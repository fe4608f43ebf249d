"""`/api/pipeline/...`: what a pipeline's repository tells, without launching it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.lib.turns import Turn
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope
from seqhub.operations.errors import InvalidValue
from turret.engine.masking import mask
from turret.engine.pipelines.schema import NAME, Group, Param, Schema
from turret.engine.pipelines.types import TYPES, type_of
from turret.services.repositories import Described, clone, describe, refs

# Whoever may not launch has no use for it, and must not make this server call others.
PERMISSIONS = {
    Scope.READ: "turret.launch_launch",
    Scope.WRITE: "turret.launch_launch",
}
PIPELINE = OpenApiParameter(
    "pipeline",
    required=True,
    description="`org/repo[@revision]`, the address of a git repository, a directory.",
)
REVISION = OpenApiParameter("revision", description="A branch, a tag or a commit.")


class ParamSerializer(serializers.Serializer[dict[str, Any]]):
    """A parameter of a pipeline. All texts are plain."""

    key = serializers.CharField()
    type = serializers.CharField(help_text=f"One of {', '.join(TYPES)}.")
    description = serializers.CharField()
    help_text = serializers.CharField()  # type: ignore[assignment]  # the old name
    default = serializers.JSONField(allow_null=True)
    required = serializers.BooleanField()  # type: ignore[assignment]
    hidden = serializers.BooleanField()
    choices = serializers.ListField(child=serializers.JSONField())
    group = serializers.CharField()
    group_title = serializers.CharField()
    format = serializers.CharField(help_text="As in `file-path`.")
    mimetype = serializers.CharField()
    exists = serializers.BooleanField(help_text="The path must be there.")
    pattern = serializers.CharField()
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)


class PipelineSchemaSerializer(serializers.Serializer[dict[str, Any]]):
    """Parameters and profiles of a pipeline."""

    params = ParamSerializer(many=True)
    count = serializers.IntegerField()
    profiles = serializers.ListField(child=serializers.CharField())
    source = serializers.CharField(  # type: ignore[assignment]  # the old name
        allow_null=True,
        help_text=f"{NAME}; null if there is none: then they are what nextflow.config "
        "or main.nf sets.",
    )
    problem = serializers.CharField(
        help_text=f"Why {NAME} could not be used, in a sentence; else empty."
    )
    manifest = serializers.DictField(child=serializers.JSONField())


class RefsSerializer(serializers.Serializer[dict[str, Any]]):
    branches = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    default = serializers.CharField(
        help_text="The branch that is taken if none is named; may be empty."
    )


class ClonedSerializer(serializers.Serializer[dict[str, Any]]):
    dest = serializers.CharField()
    repo = serializers.CharField()


class PipelineSchema(APIView):
    """Parameters of a pipeline, as it describes them itself.

    The repository is read at each call, for a minute at the most; few calls at once,
    the next is answered 503.
    """

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="pipeline_schema",
        parameters=[PIPELINE, REVISION],
        responses={200: PipelineSchemaSerializer, **errors(400, 404, 502, 503, 504)},
    )
    def get(self, request: Request) -> Response:
        pipeline, revision = _asked(request)
        with closing(Turn(request)):
            found = describe(pipeline, revision)
        params = list(_params(found))
        return Response(
            {
                "params": params,
                "count": len(params),
                "profiles": list(found.profiles),
                "source": NAME if found.schema else None,
                "problem": found.problem,
                "manifest": found.manifest,
            }
        )


class PipelineRefs(APIView):
    """Branches and tags of a pipeline's repository."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="pipeline_refs",
        parameters=[PIPELINE],
        responses={200: RefsSerializer, **errors(400, 404, 502, 503, 504)},
    )
    def get(self, request: Request) -> Response:
        pipeline, _ = _asked(request)
        with closing(Turn(request)):
            found = refs(pipeline)
        return Response(
            {
                "branches": list(found.branches),
                "tags": list(found.tags),
                "default": found.default,
            }
        )


class PipelineClone(APIView):
    """Have the files of a pipeline in a directory."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="pipeline_clone",
        request=None,
        parameters=[
            PIPELINE,
            OpenApiParameter(
                "path",
                required=True,
                description="A directory that is empty, or not there yet, below "
                "turret.launcher.allowed_roots.",
            ),
            REVISION,
        ],
        responses={200: ClonedSerializer, **errors(400, 403, 404, 409, 502, 503, 504)},
    )
    def post(self, request: Request) -> Response:
        pipeline, revision = _asked(request)
        with closing(Turn(request)):
            dest, repo = clone(pipeline, revision, request.query_params.get("path", ""))
        return Response({"dest": dest, "repo": mask(repo)})


def _asked(request: Request) -> tuple[str, str]:
    """Pipeline and revision. Raises InvalidValue."""
    query = request.query_params
    pipeline, revision = query.get("pipeline", ""), query.get("revision", "")
    if not pipeline:
        raise InvalidValue("pipeline: name one, as in ?pipeline=nf-core/demo.")
    return pipeline, revision


def _params(found: Described) -> Iterator[dict[str, Any]]:
    if found.schema is not None:
        yield from _of_schema(found.schema)
        return
    for key, value in found.found.items():
        told = {"key": key, "type": type_of(value) or TYPES[0]}
        yield {**_NOTHING, **told, "default": mask({key: value})[key]}


def _of_schema(schema: Schema) -> Iterator[dict[str, Any]]:
    for group in schema.groups:
        for param in group.params:
            yield _shape(param, group)


def _shape(param: Param, group: Group) -> dict[str, Any]:
    told = {name: getattr(param, name) for name in _NOTHING if hasattr(param, name)}
    choices = list(param.choices)
    return {**told, "choices": choices, "group": group.name, "group_title": group.title}


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(ParamSerializer().fields, ""),
    **dict.fromkeys(("required", "hidden", "exists"), False),
    **dict.fromkeys(("default", "minimum", "maximum")),
    "choices": [],
}
