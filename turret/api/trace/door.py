"""One request of the trace, from its path to its answer."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse

from turret.api.trace import calls
from turret.api.trace.answers import error_answer
from turret.api.trace.routes import Call, find_route

logger = logging.getLogger(__name__)

CALLS = {
    Call.CREATE: calls.create,
    Call.BEGIN: calls.begin,
    Call.PROGRESS: calls.update,
    Call.HEARTBEAT: calls.update,
    Call.COMPLETE: calls.complete,
    Call.NOTE: calls.note,
    Call.USER_INFO: calls.user_info,
    Call.SERVICE_INFO: calls.service_info,
}


def respond(request: HttpRequest) -> HttpResponse:
    """The answer to a request on a path of the trace; never raises."""
    method, path = request.method or "", str(request.META["PATH_INFO"])
    try:
        route = find_route(method, path)
        return JsonResponse(CALLS[route.call](request, route.workflow_id))
    except Exception as error:  # noqa: BLE001 - nothing may end a pipeline
        answer = error_answer(error)
    # Trouble of ours is in the log; wrong tokens must not fill it.
    if answer.status_code not in (429, 503):
        logger.warning("%s %r: %s", method, path[:200], answer.content.decode()[:500])
    return answer
