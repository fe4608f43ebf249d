"""`GET /api` and `/api/1.0`."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, re_path, register_converter
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from runfolders.api import arteria


class AnyPath:
    """What follows, slashes and nothing at all included."""

    regex = "(?s:.*)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(AnyPath, "anypath")


class Help(arteria.ArteriaView):
    """It tells nothing of the site, so it needs no token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="arteria_help", tags=["1.0"], responses={200: {"type": "object"}}
    )
    def get(self, request: Request) -> Response:
        """List the calls of this interface."""
        base = request.build_absolute_uri("/").rstrip("/")
        doc = [
            {"route": base + route(pattern), "methods": methods(pattern)}
            for pattern in urlpatterns
        ]
        return Response({"doc": sorted(doc, key=lambda entry: str(entry["route"]))})


def route(pattern: URLPattern) -> str:
    """As a person writes it: `/api/1.0/runfolders/path<path>`."""
    text = str(pattern.pattern).removeprefix("^").removesuffix("/?$")
    return f"/{text}".replace("<anypath:", "<")


def methods(pattern: URLPattern) -> dict[str, str]:
    """Method -> the first line of its docstring."""
    view: Any = pattern.callback.view_class  # type: ignore[attr-defined]
    found = {}
    for name in ("get", "post", "put"):
        if handler := getattr(view, name, None):
            found[name] = handler.__doc__.splitlines()[0]
    return found


app_name = "arteria"
V1 = "api/1.0"
urlpatterns = [
    re_path(r"^api/?$", Help.as_view(), name="help"),
    re_path(
        rf"^{V1}/runfolders/?$", arteria.RunfolderList.as_view(), name="runfolders"
    ),
    path(f"{V1}/runfolders/next", arteria.NextRunfolder.as_view()),
    path(f"{V1}/runfolders/pickup", arteria.PickupRunfolder.as_view()),
    path(
        f"{V1}/runfolders/test/markasready/path<anypath:path>",
        arteria.MarkAsReady.as_view(),
    ),
    path(f"{V1}/runfolders/path<anypath:path>", arteria.RunfolderPath.as_view()),
    # As Arteria's README has it; it is last, so it takes what the others leave.
    path(f"{V1}/runfolders<anypath:path>", arteria.ShortPath.as_view()),
    path(f"{V1}/admin/log_level", arteria.LogLevel.as_view()),
]
