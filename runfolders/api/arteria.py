"""`/api/1.0`: the interface of arteria-runfolder 1.5, for its clients.

Additions are allowed here, changes are not. The first line of each method's
docstring is what `GET /api` says of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from runfolders.api.serializers import ArteriaListSerializer, ArteriaSerializer
from runfolders.models import Runfolder
from runfolders.services.creation import create_test_runfolder, mark_as_ready
from runfolders.services.offers import (
    next_offer,
    offered,
    pick_up_offer,
    set_state_at,
)
from runfolders.services.refresh import refresh_path
from runfolders.services.states import parse_state
from seqhub.lib.sent_path import sent_path
from seqhub.operations.api.authentication import OpenTokenAuthentication, actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.api.plain_json import PlainJSONView
from seqhub.operations.choices import Scope
from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.log_level import change_log_level, current_log_level

ALL = "*"


class ArteriaView(PlainJSONView):
    """What all calls share: open networks, and JSON whatever the headers say."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (
        OpenTokenAuthentication,
        SessionAuthentication,
    )
    model_permissions: ClassVar = {
        Scope.READ: "runfolders.view_runfolder",
        Scope.WRITE: "runfolders.change_runfolder",
    }


class RunfolderList(ArteriaView):
    @extend_schema(
        operation_id="arteria_runfolders",
        parameters=[
            OpenApiParameter("state", description="Default `ready`; `*` for all.")
        ],
        responses={200: ArteriaListSerializer, **errors(400)},
    )
    def get(self, request: Request) -> Response:
        """List run folders that are ready, or in another state; state=* for all."""
        word = request.query_params.get("state", "ready")
        state = None if word == ALL else parse_state(word)
        link = link_base(request)
        rows = offered(settings.CONFIG.host, state)
        return Response({"runfolders": [as_arteria(row, link) for row in rows]})


class NextRunfolder(ArteriaView):
    @extend_schema(
        operation_id="arteria_next", responses={200: ArteriaSerializer, 204: None}
    )
    def get(self, request: Request) -> Response:
        """Show the run folder that pickup would hand out; 204 if there is none."""
        return answer(request, next_offer(settings.CONFIG.host))


class PickupRunfolder(ArteriaView):
    # It changes state, so: no HEAD, and no cookie that a browser sends by itself.
    http_method_names = ("get",)
    authentication_classes = (OpenTokenAuthentication,)
    required_scope = Scope.WRITE

    @extend_schema(
        operation_id="arteria_pickup", responses={200: ArteriaSerializer, 204: None}
    )
    def get(self, request: Request) -> Response:
        """Hand out the next ready run folder, now pending; 204 if there is none."""
        runfolder = pick_up_offer(settings.CONFIG.host, actor=actor_of(request))
        return answer(request, runfolder)


class ShortPath(ArteriaView):
    @extend_schema(
        operation_id="arteria_set_state_short",
        request={"application/json": {"type": "object"}},
        responses={200: None, **errors(400, 404)},
    )
    def post(self, request: Request, path: str) -> Response:
        """Set the state of a run folder, as in {"state": "started"}."""
        word = field(request, "state")
        actor = actor_of(request)
        set_state_at(
            settings.CONFIG.host, path_in_url(request, path), word, actor=actor
        )
        return Response()


class RunfolderPath(ShortPath):
    @extend_schema(
        operation_id="arteria_runfolder",
        responses={200: ArteriaSerializer, **errors(400, 404)},
    )
    def get(self, request: Request, path: str) -> Response:
        """Show one run folder as it is on disk now."""
        runfolder = refresh_path(settings.CONFIG.host, path_in_url(request, path))
        return answer(request, runfolder)

    @extend_schema(
        operation_id="arteria_set_state",
        request={"application/json": {"type": "object"}},
        responses={200: None, **errors(400, 404)},
    )
    def post(self, request: Request, path: str) -> Response:
        """Set the state of a run folder, as in {"state": "started"}."""
        return super().post(request, path)

    @extend_schema(
        operation_id="arteria_create",
        request=None,
        responses={201: None, **errors(400)},
    )
    def put(self, request: Request, path: str) -> Response:
        """Create a run folder for testing, where can_create_runfolder allows it."""
        create_test_runfolder(
            settings.CONFIG.host, path_in_url(request, path), actor=actor_of(request)
        )
        return Response(status=201)


class MarkAsReady(ArteriaView):
    @extend_schema(
        operation_id="arteria_mark_as_ready",
        request=None,
        responses={200: None, **errors(400, 404)},
    )
    def put(self, request: Request, path: str) -> Response:
        """Complete a run folder for testing, where can_create_runfolder allows it."""
        mark_as_ready(
            settings.CONFIG.host, path_in_url(request, path), actor=actor_of(request)
        )
        return Response()


class LogLevel(ArteriaView):
    @extend_schema(
        operation_id="arteria_log_level", responses={200: {"type": "object"}}
    )
    def get(self, request: Request) -> Response:
        """Show the log level."""
        return Response({"log_level": current_log_level()})

    @extend_schema(
        operation_id="arteria_set_log_level",
        request={"application/json": {"type": "object"}},
        responses={200: {"type": "object"}, **errors(400)},
    )
    def put(self, request: Request) -> Response:
        """Set the log level of all processes, as in {"log_level": "DEBUG"}."""
        word = field(request, "log_level")
        return Response({"log_level": change_log_level(word, actor=actor_of(request))})


def answer(request: Request, runfolder: Runfolder | None) -> Response:
    """200 with the object, or 204 with an empty body."""
    if runfolder is None:
        return Response(status=204)
    return Response(as_arteria(runfolder, link_base(request)))


def as_arteria(runfolder: Runfolder, link: str) -> dict[str, Any]:
    """A run folder as Arteria spells it; `link` is what `link_base` gives."""
    metadata = {}
    if runfolder.reagent_kit_barcode:
        metadata["reagent_kit_barcode"] = runfolder.reagent_kit_barcode
    if runfolder.library_tube:
        metadata["library_tube_barcode"] = runfolder.library_tube
    return {
        "host": runfolder.host,
        "path": runfolder.path,
        "state": runfolder.state,
        "service_version": settings.VERSION,
        "metadata": metadata,
        "link": link + quote(os.fsencode(runfolder.location)),
    }


def link_base(request: Request) -> str:
    """The absolute address that a run folder's path is put behind."""
    return request.build_absolute_uri(f"{reverse('arteria:runfolders')}/path")


def field(request: Request, key: str) -> object:
    """A field of the JSON object in the body. Raises InvalidValue."""
    body = request.data
    if not isinstance(body, dict) or key not in body:
        raise InvalidValue(f'The body must be a JSON object with "{key}".')
    return body[key]


def path_in_url(request: HttpRequest, path: str) -> str:
    """The real path that `path`, the last part of the URL, means.

    Slashes at its end and double ones are dropped.
    """
    # What stands before it is ASCII, as long in bytes as in characters.
    start = len(request.path_info) - len(path)
    path = os.fsdecode(sent_path(request)[start:])
    parts = [part for part in path.split("/") if part]
    return "/" * path.startswith("/") + "/".join(parts)
