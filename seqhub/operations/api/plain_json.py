"""JSON in and out, whatever the headers say, for clients of the old services."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

MAX_BODY_BYTES = 1 << 20


class BoundedJSONParser(JSONParser):
    """JSON of at most MAX_BODY_BYTES. Raises ParseError, also for nesting that
    would exhaust the stack."""

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise ParseError(f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None


class AnyTypeJSONParser(BoundedJSONParser):
    """The same under any Content-Type: `curl --data` sends a form's."""

    media_type = "*/*"


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


class PlainJSONView:
    """Mixed into a view whose callers have never heard of content types."""

    parser_classes: ClassVar = [AnyTypeJSONParser]
    renderer_classes: ClassVar = [SpelledJSONRenderer]
    content_negotiation_class = AlwaysFirst
