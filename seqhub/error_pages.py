"""What is answered where no view does: JSON under /api, a plain page elsewhere."""

from __future__ import annotations

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from seqhub.operations.api.exceptions import (
    OUTAGES,
    RETRY_AFTER_S,
    database_outage_body,
    error_body,
    surprise_body,
)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
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
