"""One request of the trace, from its path to its answer."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import Counter

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
# django-prometheus does not see them: its middleware is Django's.
ANSWERS = Counter(
    "seqhub_trace_answers",
    "Answers to Nextflow; `call` is `other` where the path or the method is none.",
    ["call", "status"],
)


def respond(request: HttpRequest) -> HttpResponse:
    """The answer to a request on a path of the trace; never raises."""
    method, path, call = request.method or "", str(request.META["PATH_INFO"]), "other"
    answer: HttpResponse
    try:
        route = find_route(method, path)
        call = route.call.name.lower()
        answer = JsonResponse(CALLS[route.call](request, route.workflow_id))
    except Exception as error:  # noqa: BLE001 - nothing may end a pipeline
        answer = error_answer(error)
        # Trouble of ours is in the log; wrong tokens must not fill it.
        if answer.status_code not in (429, 503):
            text = answer.content.decode()[:500]
            logger.warning("%s %r: %s", method, path[:200], text)
    ANSWERS.labels(call, answer.status_code).inc()
    return answer
