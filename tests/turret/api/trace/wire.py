"""Requests as Nextflow sends them, to the WSGI application that the server runs."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from seqhub.wsgi import application

# What HttpURLConnection sends (Nextflow up to 25.07): no JSON among it.
ACCEPT = "text/html, image/gif, image/jpeg, */*; q=0.2"
INSTANT = 1_787_400_000_000


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"@token:{token}".encode()).decode()


@contextmanager
def _keeping_the_connection() -> Iterator[None]:
    """It holds the test's transaction. Django's test client does the same."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@dataclass
class Answer:
    """Its body must be a JSON object, whatever was asked."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body["message"])


@dataclass
class Wire:
    """A client; `authorization` empty: it sends none."""

    authorization: str = ""
    address: str = "192.0.2.7"
    headers: dict[str, str] = field(default_factory=dict)

    def send(
        self, method: str, path: str, body: object = None, **environ: Any
    ) -> Answer:
        """`body`: bytes as they are, anything else as Nextflow writes JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        raw = b"" if body is None else raw
        # WSGI hands bytes over as Latin-1 (PEP 3333).
        path, _, query = path.encode().decode("latin-1").partition("?")
        started: list[Any] = []
        values = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(raw)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.address,
            "HTTP_HOST": "any.example.org",
            "HTTP_ACCEPT": ACCEPT,
            "HTTP_USER_AGENT": "Nextflow/25.04.4",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(raw),
            **self.headers,
            **environ,
        }
        if self.authorization:
            values["HTTP_AUTHORIZATION"] = self.authorization
        with _keeping_the_connection():
            chunks = application(values, lambda *args: started.append(args))
        text = b"".join(chunks)
        status, headers = started[0]
        answer = Answer(int(status[:3]), dict(headers), json.loads(text))
        self._check(answer, text)
        return answer

    def _check(self, answer: Answer, text: bytes) -> None:
        """What holds for every answer."""
        assert answer.headers["Content-Type"].startswith("application/json")
        assert not 300 <= answer.status < 400
        assert {"Set-Cookie", "Location"}.isdisjoint(answer.headers)
        if answer.status >= 400:
            assert answer.message
            assert set(answer.body) == {"code", "message", "detail"}
        assert ("Retry-After" in answer.headers) == (answer.status in (429, 503))

    def create(self, **changes: Any) -> Answer:
        return self.send("POST", "/trace/create", creation(**changes))

    def created(self, **changes: Any) -> str:
        """The id of a new workflow."""
        answer = self.create(**changes)
        assert answer.status == 200, answer
        return str(answer.body["workflowId"])

    def call(self, workflow_id: str, verb: str, body: object) -> Answer:
        return self.send("PUT", f"/trace/{workflow_id}/{verb}", body)


def creation(**changes: Any) -> dict[str, Any]:
    return {
        "sessionId": "6f1e0d7c-1111-4222-8333-944455556666",
        "runName": "mad_curie",
        "projectName": "nf-core/demo",
        "repository": "https://github.com/nf-core/demo",
        "workflowId": None,
        "instant": INSTANT,
        **changes,
    }


def workflow(**changes: Any) -> dict[str, Any]:
    """The `workflow` object of begin and complete."""
    return {
        "runName": "mad_curie",
        "sessionId": "6f1e0d7c-1111-4222-8333-944455556666",
        "projectName": "nf-core/demo",
        "start": "2026-08-22T10:00:03.120411+02:00",
        "success": False,
        "exitStatus": None,
        "nextflow": {"version": "25.04.4", "build": 5944},
        "params": {"input": "s.csv"},
        "failOnIgnore": False,
        **changes,
    }


def beginning(**changes: Any) -> dict[str, Any]:
    return {
        "workflow": workflow(**changes),
        "processNames": ["DEMO:FASTQC"],
        "towerLaunch": False,
        "instant": INSTANT + 1000,
    }


def task(task_id: int = 1, status: str = "COMPLETED", **changes: Any) -> dict[str, Any]:
    return {
        "taskId": task_id,
        "status": status,
        "hash": f"ab/{task_id:06x}",
        "name": f"DEMO:FASTQC (S{task_id})",
        "process": "DEMO:FASTQC",
        "tag": f"S{task_id}",
        "exit": 0,
        "submit": "2026-08-22T10:00:05.001+02:00",
        "start": "2026-08-22T10:00:09+02:00",
        "complete": "2026-08-22T10:03:10.5+02:00",
        "duration": 185_499,
        "realtime": 180_120,
        "pcpu": 312.4,
        "attempt": 1,
        "cpus": 4,
        "memory": 8 << 30,
        "script": "fastqc -t 4 S.fq.gz",
        "nativeId": "81234",
        "executor": "slurm",
        "module": [],
        **changes,
    }


def counters(**counts: int) -> dict[str, Any]:
    names = "pending submitted running succeeded failed cached ignored retries aborted"
    return {**dict.fromkeys(names.split(), 0), **counts, "processes": []}


def batch(
    *tasks: object, instant: int = INSTANT + 2000, **counts: int
) -> dict[str, Any]:
    return {
        "tasks": list(tasks),
        "progress": counters(**counts),
        "containers": [],
        "instant": instant,
    }


def ending(
    *, success: bool = True, progress: dict[str, int] | None = None, **changes: Any
) -> dict[str, Any]:
    return {
        "workflow": workflow(
            success=success,
            complete="2026-08-22T10:09Z",
            duration=536_880,
            **{"exitStatus": 0, "errorMessage": None, "errorReport": None, **changes},
        ),
        "metrics": [],
        "progress": counters(**(progress or {"succeeded": 1})),
        "instant": INSTANT + 9000,
    }
