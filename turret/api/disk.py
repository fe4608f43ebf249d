"""`/api/fs`: the disk below turret.launcher.allowed_roots, to choose inputs from."""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from tempfile import gettempdir
from typing import Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from seqhub.lib.files import is_disk_full
from seqhub.lib.turns import Turn
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope
from seqhub.operations.errors import InvalidValue
from turret.api.callers import person_of
from turret.engine.browsing import Entry, Listing
from turret.engine.placing import is_name
from turret.errors import TooLarge
from turret.services.browsing import (
    MOST_UPLOAD_BYTES,
    allowed_roots,
    browse,
    make_directory,
    save_upload,
)

# What is on the disk is shown to those only who may launch.
PERMISSIONS = dict.fromkeys((Scope.READ, Scope.WRITE), "turret.launch_launch")
PATH = OpenApiParameter("path", required=True, description="Absolute.")
TROUBLE = (400, 403, 404, 503)


class RootsSerializer(serializers.Serializer[dict[str, Any]]):
    roots = serializers.ListField(child=serializers.CharField())


class EntrySerializer(serializers.Serializer[Entry]):
    name = serializers.CharField()
    is_dir = serializers.BooleanField()
    size = serializers.IntegerField(
        source="size_bytes", allow_null=True, help_text="Bytes; null of a directory."
    )
    mtime = serializers.SerializerMethodField(help_text="ISO 8601, UTC, or null.")
    path = serializers.CharField()

    def get_mtime(self, entry: Entry) -> str | None:
        if entry.modified_s is None:
            return None
        return dt.datetime.fromtimestamp(entry.modified_s, dt.UTC).isoformat()

    def to_representation(self, instance: Entry) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return {**shown, "error": instance.error} if instance.error else shown


class ListingSerializer(serializers.Serializer[Listing]):
    """Directories first. `truncated`: it has more names than are shown."""

    path = serializers.CharField()
    parent = serializers.CharField(  # type: ignore[assignment]  # a field's name
        allow_null=True, help_text="null: it is a root."
    )
    roots = serializers.SerializerMethodField()
    entries = EntrySerializer(many=True)
    truncated = serializers.SerializerMethodField()

    def get_roots(self, listing: Listing) -> list[str]:
        return allowed_roots()

    def get_truncated(self, listing: Listing) -> bool:
        return not listing.is_whole


class UploadedSerializer(serializers.Serializer[dict[str, Any]]):
    path = serializers.CharField()
    filename = serializers.CharField()
    size = serializers.IntegerField()
    project = serializers.CharField(allow_blank=True)


class MadeSerializer(serializers.Serializer[dict[str, Any]]):
    path = serializers.CharField()
    created = serializers.BooleanField()


class Roots(APIView):
    """The directories below which there is anything to be had."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(operation_id="fs_roots", responses=RootsSerializer)
    def get(self, request: Request) -> Response:
        return Response({"roots": allowed_roots()})


class Browse(APIView):
    """A directory. Without a path, the first root."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="fs_browse",
        parameters=[OpenApiParameter("path", description="Absolute.")],
        responses={200: ListingSerializer, **errors(*TROUBLE)},
    )
    def get(self, request: Request) -> Response:
        path = request.query_params.get("path") or _first_root()
        with closing(Turn(request)):
            listing = browse(path)
        return Response(ListingSerializer(listing).data)


class MakeDirectory(APIView):
    """Make a directory; 409 when something is there."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        operation_id="fs_mkdir",
        request=None,
        parameters=[PATH],
        responses={200: MadeSerializer, **errors(*TROUBLE, 409)},
    )
    def post(self, request: Request) -> Response:
        path = request.query_params.get("path", "")
        with closing(Turn(request)):
            made = make_directory(path, who=person_of(request).username)
        return Response({"path": made, "created": True})


class Limited(TemporaryFileUploadHandler):
    """Files go to the disk as they come, and no further than they may."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start + len(raw_data) > MOST_UPLOAD_BYTES:
            raise TooLarge(f"file: it is larger than {MOST_UPLOAD_BYTES:,} bytes.")
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            if not is_disk_full(error):
                raise
            raise TooLarge(f"file: the disk of {gettempdir()} is full.") from None
        return None


class Upload(APIView):
    """Put a file into a directory: `dir`, or `project`, the name of one in the first
    root. Where the name is taken, the file gets a number."""

    model_permissions: ClassVar = PERMISSIONS
    parser_classes = (MultiPartParser,)

    def initialize_request(
        self, request: HttpRequest, *args: Any, **kw: Any
    ) -> Request:
        # Before anybody reads the body: the check of a session's form does.
        request.upload_handlers = [Limited(request)]
        return super().initialize_request(request, *args, **kw)

    @extend_schema(
        operation_id="fs_upload",
        parameters=[
            OpenApiParameter("dir", description="Absolute."),
            OpenApiParameter("project", description="A directory of the first root."),
        ],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
            }
        },
        responses={200: UploadedSerializer, **errors(*TROUBLE, 413)},
    )
    def post(self, request: Request) -> Response:
        query = request.query_params
        project = query.get("project", "")
        directory = query.get("dir") or _project_dir(project)
        with closing(Turn(request)):
            sent = request.FILES.get("file")
            if not isinstance(sent, UploadedFile) or not sent.name:
                raise InvalidValue("file: send one, with a name, as a form does.")
            who = person_of(request).username
            path, size = save_upload(directory, sent.name, sent, who=who)
        name = path.rpartition("/")[2]
        body = {"path": path, "filename": name, "size": size, "project": project}
        return Response(body)


def _first_root() -> str:
    """Raises InvalidValue."""
    roots = allowed_roots()
    if not roots:
        raise InvalidValue("turret.launcher.allowed_roots is empty: nothing is shown.")
    return roots[0]


def _project_dir(project: str) -> str:
    if not project:
        raise InvalidValue("dir: name a directory, as in ?dir=/data/inputs.")
    if not is_name(project):
        raise InvalidValue("project: this is no name for a directory.")
    return f"{_first_root()}/{project}"
