"""Every error of the API: `{"code", "message", "detail"}` and the right status."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from seqhub.lib.patience import TimedOut
from seqhub.lib.turns import NoTurn
from seqhub.operations.errors import DomainError

logger = logging.getLogger(__name__)

# After a database outage or a hung disk: when to ask again.
RETRY_AFTER_S = 5
OUTAGES = (OperationalError, InterfaceError)


def error_body(code: str, message: str, detail: object = None) -> dict[str, Any]:
    """The body of every error. `detail` is the message again where there is
    nothing more to say: clients of the old services read only that."""
    # A path in it may hold what is not UTF-8.
    message = message.encode(errors="backslashreplace").decode()
    return {"code": code, "message": message, "detail": detail or message}


def error_response(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST framework's EXCEPTION_HANDLER."""
    if isinstance(exc, DomainError):
        return Response(error_body(exc.code, exc.message, exc.detail), exc.status)
    if isinstance(exc, SuspiciousOperation):
        return Response(error_body("bad_request", str(exc)), 400)
    # Known ones keep the status and headers that the framework gives them.
    if response := exception_handler(exc, dict(context)):
        response.data = _framework_body(exc, response.data)
        return response
    if isinstance(exc, TimedOut):
        body = error_body("disk_timeout", str(exc))
    elif isinstance(exc, NoTurn):
        body = error_body("busy", str(exc))
    elif isinstance(exc, OUTAGES):
        logger.error("The database can't be used: %s", exc)
        body = database_outage_body()
    else:
        response = Response(surprise_body(exc), 500)
        return _as_json(response, context)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return _as_json(Response(body, 503, headers=headers), context)


def database_outage_body() -> dict[str, Any]:
    return error_body(
        "database_unavailable", "The database can't be reached; try again soon."
    )


def surprise_body(exc: BaseException | None) -> dict[str, Any]:
    """The body of a 500; the log has the traceback under the same id."""
    reference = secrets.token_hex(4)
    logger.error("Unexpected error %s", reference, exc_info=exc)
    return error_body(
        "internal_error",
        f"Something went wrong here; the log has it under {reference}.",
        {"id": reference},
    )


def _as_json(response: Response, context: Mapping[str, Any]) -> Response:
    """Rendered without the browsable page, which would ask the database again."""
    request = context.get("request")
    if isinstance(request, Request):
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
    return response


def _framework_body(exc: Exception, data: Any) -> dict[str, Any]:
    if isinstance(exc, exceptions.ValidationError):
        return error_body("invalid", "; ".join(_sentences(data)), data)
    code = "error"
    if isinstance(exc, exceptions.APIException):
        codes = exc.get_codes()
        code = codes if isinstance(codes, str) else exc.default_code
    elif isinstance(data, Mapping):
        code = getattr(data.get("detail"), "code", code)
    message = data.get("detail") if isinstance(data, Mapping) else None
    return error_body(code, str(message or exc))


def _sentences(data: Any, key: str = "") -> list[str]:
    """`{"state": ["Not a choice."]}` as `state: Not a choice.`"""
    if isinstance(data, Mapping):
        return [
            sentence
            for name, value in data.items()
            for sentence in _sentences(value, f"{key}.{name}" if key else str(name))
        ]
    if isinstance(data, list):
        return [sentence for value in data for sentence in _sentences(value, key)]
    return [f"{key}: {data}" if key and key != "non_field_errors" else str(data)]
