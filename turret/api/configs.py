"""`/api/config`: nextflow.config of a project on the disk, or of a pipeline."""

from __future__ import annotations

from contextlib import closing
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.lib.turns import Turn
from seqhub.operations.api.openapi import errors
from seqhub.operations.errors import InvalidValue
from turret.api.callers import person_of
from turret.api.disk import PERMISSIONS, TROUBLE
from turret.engine.masking import MASKED, mask
from turret.services.browsing import MOST_CONFIG_BYTES, find_config, save_config
from turret.services.repositories import read_config

PATH = OpenApiParameter(
    "path",
    description="Of the file, which ends in .config, or of its directory; below "
    "turret.launcher.allowed_roots.",
)
PIPELINE = OpenApiParameter(
    "pipeline", description="org/repo, a git URL, or a directory."
)
REVISION = OpenApiParameter("revision", description="Branch, tag or commit.")


class ConfigSerializer(serializers.Serializer[dict[str, Any]]):
    content = serializers.CharField(
        allow_blank=True, help_text="What looks like a secret is masked."
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field's name
        allow_blank=True, help_text="local, pipeline, or empty: there is none."
    )
    path = serializers.CharField(allow_blank=True)


class ContentSerializer(serializers.Serializer[dict[str, Any]]):
    content = serializers.CharField(
        allow_blank=True, trim_whitespace=False, max_length=MOST_CONFIG_BYTES
    )


class SavedSerializer(serializers.Serializer[dict[str, Any]]):
    saved = serializers.BooleanField()
    path = serializers.CharField()


class Config(APIView):
    """A configuration on the disk; where there is none, the pipeline's."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="config",
        parameters=[PATH, PIPELINE, REVISION],
        responses={200: ConfigSerializer, **errors(*TROUBLE, 413, 502, 504)},
    )
    def get(self, request: Request) -> Response:
        path = request.query_params.get("path", "")
        place = ""
        if path:
            with closing(Turn(request)):
                place, content = find_config(path)
            if content is not None:
                body = {"source": "local", "path": place}
                return Response({"content": mask(content), **body})
        if request.query_params.get("pipeline"):
            return Response(_of_pipeline(request))
        return Response({"content": "", "source": "", "path": place})

    @extend_schema(
        operation_id="config_save",
        request=ContentSerializer,
        parameters=[PATH],
        responses={200: SavedSerializer, **errors(*TROUBLE, 413)},
    )
    def post(self, request: Request) -> Response:
        """Write it, in place of what is there."""
        path = request.query_params.get("path", "")
        if not path:
            raise InvalidValue("path: name one, as in ?path=/data/project.")
        sent = ContentSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        content: str = sent.validated_data["content"]
        if MASKED in content:
            raise InvalidValue(
                f"content: {MASKED} stands for what is not shown; send its value."
            )
        with closing(Turn(request)):
            saved = save_config(path, content, who=person_of(request).username)
        return Response({"saved": True, "path": saved})


class RemoteConfig(APIView):
    """A pipeline's own nextflow.config."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="config_remote",
        parameters=[PIPELINE, REVISION],
        responses={200: ConfigSerializer, **errors(400, 404, 502, 503, 504)},
    )
    def get(self, request: Request) -> Response:
        return Response(_of_pipeline(request))


def _of_pipeline(request: Request) -> dict[str, str]:
    pipeline = request.query_params.get("pipeline", "")
    if not pipeline:
        raise InvalidValue("pipeline: name one, as in ?pipeline=nf-core/demo.")
    with closing(Turn(request)):
        content = read_config(pipeline, request.query_params.get("revision", ""))
    return {"content": mask(content), "source": "pipeline", "path": ""}
