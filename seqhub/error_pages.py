"""What is answered where no view does: JSON under /api, a plain page elsewhere."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from seqhub.lib.units import format_bytes
from seqhub.operations.api.exceptions import (
    OUTAGES,
    RETRY_AFTER_S,
    database_outage_body,
    error_body,
    surprise_body,
)

_TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if isinstance(exception, _TOO_MUCH):
        return _too_much(request)
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    message = str(exception) or "The request can't be understood."
    if isinstance(exception, DisallowedHost):
        host = request.META.get("HTTP_HOST", "")[:200]
        message = f"{host!r} is not a name of this server (server.allowed_hosts)."
    return JsonResponse(error_body("bad_request", message), status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    message = str(exception) or "This is not allowed."
    return JsonResponse(error_body("permission_denied", message), status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    message = f"There is nothing at {request.path[:200]}; /docs lists all calls."
    return JsonResponse(error_body("not_found", message), status=404)


def server_error(request: HttpRequest) -> HttpResponseBase:
    error = sys.exc_info()[1]
    if isinstance(error, OUTAGES):
        return _outage(request)
    if _is_api(request):
        return JsonResponse(surprise_body(error), status=500)
    return defaults.server_error(request)


def _too_much(request: HttpRequest) -> HttpResponse:
    most = format_bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    message = (
        f"More was sent than a form may hold, {most} or"
        f" {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} values, and nothing was done."
        " Go back and make it shorter: large data belongs in files on the host."
    )
    if _is_api(request):
        return JsonResponse(error_body("too_large", message), status=413)
    return HttpResponse(message, "text/plain; charset=utf-8", 413)


def _outage(request: HttpRequest) -> HttpResponse:
    body = database_outage_body()
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    if _is_api(request):
        return JsonResponse(body, status=503, headers=headers)
    return HttpResponse(
        body["message"], "text/plain; charset=utf-8", 503, headers=headers
    )


def _is_api(request: HttpRequest) -> bool:
    return request.path == "/api" or request.path.startswith("/api/")
