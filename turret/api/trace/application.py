"""The trace in front of Django: no middleware, any Host, no cookie, no redirect.

Since 26.04 Nextflow aborts the user's run on a refused progress call, so what may
refuse a request is as little as possible, and all of it stands in this package.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from typing import Any

from django.core import signals
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.http import HttpRequest, HttpResponse

from seqhub.lib.sent_path import Application
from turret.api.trace.routes import is_of_trace

Respond = Callable[[HttpRequest], HttpResponse]


class TraceFirst:
    """A WSGI application: the trace's paths go to `respond`, others to `rest`.

    `respond` never raises.
    """

    def __init__(self, respond: Respond, rest: Application) -> None:
        self.respond = respond
        self.rest = rest

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not is_of_trace(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            return self.rest(environ, start_response)
        # As Django's own handler does: they lend connections and give them back.
        signals.request_started.send(sender=type(self), environ=environ)
        _leave_dead_connection()
        try:
            response = self.respond(WSGIRequest(environ))
        finally:
            signals.request_finished.send(sender=type(self))
        status = f"{response.status_code} {response.reason_phrase}"
        # Without a length the server would answer in chunks.
        response["Content-Length"] = str(len(response.content))
        start_response(status, list(response.items()))
        return [response.content]


def _leave_dead_connection() -> None:
    """Of one that is idle nothing is to be read but that PostgreSQL has ended it, as at
    a restart. Django would ask with a query, a tenth of what a call costs."""
    session = connection.connection
    if session is None or connection.in_atomic_block:
        return
    if session.closed:
        connection.close()
        return
    look = select.poll()
    look.register(session.fileno(), select.POLLIN)
    if look.poll(0):
        connection.close()
