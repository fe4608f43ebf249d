"""Reading request bodies, within bounds."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

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
