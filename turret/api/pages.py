"""Pages as the old service answered them."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response

from seqhub.operations.api.pagination import Page


class OldPage(Page):
    """The old service's `total` and its own name for the rows, and links to the other
    pages."""

    default_limit = 500
    rows: ClassVar[str]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                self.rows: data,
                "total": self.count,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "nullable": True, "format": "uri"}
        return {
            "type": "object",
            "required": [self.rows, "total"],
            "properties": {
                self.rows: schema,
                "total": {"type": "integer"},
                "next": link,
                "previous": link,
            },
        }
