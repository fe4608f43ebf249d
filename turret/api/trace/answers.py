"""What the trace answers: always JSON, with a `message` in every error.

Nextflow shows the user the key `message` of an error, and nothing else of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse, JsonResponse
from rest_framework.exceptions import APIException

from seqhub.operations.api.authentication import WINDOW_S
from seqhub.operations.api.exceptions import (
    OUTAGES,
    RETRY_AFTER_S,
    database_outage_body,
    error_body,
    surprise_body,
)
from seqhub.operations.errors import DomainError
from turret.api.trace.routes import WrongMethod
from turret.engine.body import BadBody

logger = logging.getLogger(__name__)

CHALLENGE = 'Bearer realm="SeqHub"'


def error_answer(error: Exception) -> HttpResponse:
    """The answer that says what went wrong.

    Trouble of ours, foreseen or not, is 503: that is tried again for minutes, while
    a 4xx ends the user's run.
    """
    if isinstance(error, DomainError):
        body = error_body(error.code, error.message, error.detail)
        return _answer(body, error.status)
    if isinstance(error, BadBody):
        return _answer(error_body("bad_body", str(error)), 400)
    if isinstance(error, APIException):
        return _of_framework(error)
    if isinstance(error, SuspiciousOperation):
        return _answer(error_body("bad_request", str(error)), 400)
    if isinstance(error, OUTAGES):
        logger.error("The trace can't use the database: %s", error)
        return _answer(database_outage_body(), 503)
    return _answer(surprise_body(error), 503)


def _of_framework(error: APIException) -> HttpResponse:
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else error.default_code
    headers = {}
    if error.status_code == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if error.status_code == 429:
        headers["Retry-After"] = str(WINDOW_S)
    if isinstance(error, WrongMethod):
        headers["Allow"] = error.allowed
    return _answer(error_body(code, str(error.detail)), error.status_code, headers)


def _answer(
    body: dict[str, object], status: int, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    retry = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
    return JsonResponse(body, status=status, headers={**retry, **(headers or {})})
