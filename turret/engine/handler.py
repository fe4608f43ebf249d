"""The trace in a handler of the standard library's http.server."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from turret.engine.body import MAX_BYTES
from turret.engine.router import Answer, TowerRouter, refusal

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5


class TowerHandlerMixin(BaseHTTPRequestHandler):
    """Put it before the handler that answers everything else:

        class Handler(TowerHandlerMixin, SimpleHTTPRequestHandler): ...

    What is not the trace's goes to the next class's `do_GET, do_POST, do_PUT`, or is
    404. Trouble of ours is 503, which Nextflow tries again; a 4xx can end its run.
    """

    tower_router = TowerRouter()

    def do_GET(self) -> None:
        self._answer_or("do_GET", lambda: self.tower_router.handle_get(self.path))

    def do_POST(self) -> None:
        router = self.tower_router
        self._answer_or("do_POST", lambda: router.handle_post(self.path, self._body()))

    def do_PUT(self) -> None:
        router = self.tower_router
        self._answer_or("do_PUT", lambda: router.handle_put(self.path, self._body()))

    def _answer_or(self, method: str, handle: Callable[[], Answer | None]) -> None:
        if not self.tower_router.owns(self.path):
            # Its body, if it has one, is the next class's to read.
            if handler := getattr(super(), method, None):
                handler()
            else:
                self.close_connection = True  # its body was not read
                self._send(refusal(404, "not_found", "There is nothing here."))
            return
        try:
            answer = handle() or refusal(405, "wrong_method", "Not by this method.")
        except _Unread as error:
            self.close_connection = True
            answer = error.answer
        except Exception:
            logger.exception("The trace failed at %r", self.path)
            answer = refusal(503, "surprise", "It failed here; please try again.")
        self._send(answer)

    def _body(self) -> bytes:
        """Raises _Unread."""
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if length < 0:
            raise _Unread(411, "no_length", "The call has no Content-Length.")
        if length > MAX_BYTES:
            raise _Unread(413, "too_large", f"{MAX_BYTES:,} bytes are the most.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise _Unread(503, "cut_short", "The body ended too early.")
        return body

    def _send(self, answer: Answer) -> None:
        status, content = answer
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", str(RETRY_AFTER_S))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)


class _Unread(Exception):
    """The body was not, or not all, read: the connection can't go on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message)
