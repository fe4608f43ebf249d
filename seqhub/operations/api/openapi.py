"""What the OpenAPI document says of every call."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from seqhub.operations.api.authentication import (
    OpenTokenAuthentication,
    TokenAuthentication,
)


class Schema(AutoSchema):
    """The first line of a docstring is the summary, which a folded call shows."""

    def get_summary(self) -> str | None:
        return super().get_description().partition("\n")[0] or None

    def get_description(self) -> str:  # type: ignore[override]
        return super().get_description().partition("\n")[2].strip()


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tokens; drf-spectacular finds it once this module is imported."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class OpenTokenScheme(TokenScheme):  # type: ignore[no-untyped-call]
    """Tokens where `api.open_to` may make them needless."""

    target_class = OpenTokenAuthentication
    name = "tokenUnlessOpen"


class ErrorSerializer(serializers.Serializer[dict[str, object]]):
    """What every error looks like."""

    code = serializers.CharField()
    message = serializers.CharField()
    detail = serializers.JSONField()


def errors(*statuses: int) -> dict[int, type[ErrorSerializer]]:
    """For `extend_schema(responses=...)`: the statuses that a call may end in."""
    return dict.fromkeys(statuses, ErrorSerializer)


def documented(
    endpoints: list[tuple[str, str, str, object]],
) -> list[tuple[str, str, str, object]]:
    """drf-spectacular's preprocessing hook: lists accept a slash at their end, and
    tw's calls are at `/`, too; documented are those below `/api`, without the slash."""
    return [
        (path.rstrip("/"), regex, method, callback)
        for path, regex, method, callback in endpoints
        if path.startswith("/api")
    ]
