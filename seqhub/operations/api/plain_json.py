"""JSON in and out, whatever the headers say, for clients of the old services."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from seqhub.operations.api.parsers import AnyTypeJSONParser


class SpelledJSONRenderer(JSONRenderer):
    """`application/json; charset=UTF-8`, as Tornado spells it."""

    charset = "UTF-8"


class AlwaysFirst(BaseContentNegotiation):
    """The view's first parser and renderer: Accept is not looked at."""

    def select_parser(
        self, request: Request, parsers: Iterable[BaseParser]
    ) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class PlainJSONView(APIView):
    """A view whose callers have never heard of content types."""

    parser_classes = (AnyTypeJSONParser,)
    renderer_classes = (SpelledJSONRenderer,)
    content_negotiation_class = AlwaysFirst

    @property
    def default_response_headers(self) -> dict[str, str]:
        # An old GET may change something: no proxy may answer the next one.
        return {**super().default_response_headers, "Cache-Control": "no-store"}
