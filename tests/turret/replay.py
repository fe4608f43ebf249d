"""Recorded traces of real Nextflow, sent again to a server over real HTTP.

tests/data/transcripts/README.md says what the recordings hold.
"""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

TRANSCRIPTS = Path(__file__).parents[1] / "data" / "transcripts"
TIMEOUT_S = 60
RETRIED = {429, 500, 502, 503, 504}
# As Nextflow from 26.04.4 on waits between its attempts, but no longer than 3 s.
GAPS_S = (0.35, 0.7, 1.4, 2.8, 3, 3, 3, 3, 3)


@dataclass
class Recording:
    """One trace. `path` lies below TRANSCRIPTS."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(TRANSCRIPTS).with_suffix(""))

    @cached_property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    @property
    def statuses(self) -> set[int | None]:
        return {request["response"]["status"] for request in self.requests}

    @property
    def completes(self) -> bool:
        return any(verb(request) == "complete" for request in self.requests)

    @property
    def workflow_id(self) -> str:
        """Which the server of the recording gave."""
        answers = [request["response"]["body"] for request in self.requests]
        return next(str(body["workflowId"]) for body in answers if body)

    @property
    def end(self) -> dict[str, Any]:
        """The body of `complete`."""
        bodies = [r["body"] for r in self.requests if verb(r) == "complete"]
        return dict(bodies[-1])

    @cached_property
    def index(self) -> dict[str, Any]:
        """Its entry in INDEX.json."""
        entries = json.loads((self.path.parent / "INDEX.json").read_text())
        return next(entry for entry in entries if entry["name"] == self.path.stem)

    @property
    def tasks(self) -> dict[int, dict[str, Any]]:
        """The last record of each task."""
        found = {}
        for request in self.requests:
            for task in whole_body(request).get("tasks", []):
                found[task["taskId"]] = task
        return found


def recordings() -> list[Recording]:
    """All that have requests."""
    paths = sorted(TRANSCRIPTS.rglob("*.jsonl"))
    return [Recording(path) for path in paths if path.stat().st_size]


def verb(request: dict[str, Any]) -> str:
    return str(request["path"].rsplit("/", 1)[-1])


def whole_body(request: dict[str, Any]) -> dict[str, Any]:
    """The body, the records that the recording left out made up from another one."""
    body: dict[str, Any] = request["body"]
    if not request.get("tasksOmitted"):
        return body
    known = {task["taskId"]: task for task in body["tasks"]}
    like = body["tasks"][0]
    tasks = [
        known.get(number) or {**like, "taskId": number, "status": status}
        for number, status in request["taskStates"]
    ]
    return {**body, "tasks": tasks}


@dataclass
class Sender:
    """Nextflow's HTTP client: keeps its connection, tries again what may pass."""

    port: int
    token: str
    tries_again: bool = True
    statuses: Counter[int] = field(default_factory=Counter)
    _connection: http.client.HTTPConnection | None = None

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Sequence[tuple[str, str]] = (),
    ) -> dict[str, Any]:
        """The body of the answer. Raises AssertionError if it is no 2xx at last."""
        values = {name: value for name, value in headers if name not in _OURS}
        scheme = dict(headers).get("Authorization", "Basic").split(" ")[0]
        values["Authorization"] = self._authorization(scheme)
        for gap in [*(GAPS_S if self.tries_again else ()), None]:
            status, text = self._send_once(method, path, body, values)
            self.statuses[status] += 1
            if 200 <= status < 300:
                return dict(json.loads(text))
            assert gap is not None, f"{method} {path}: {status} {text[:500]!r}"
            assert not status or status in RETRIED, f"{method} {path}: {status}"
            time.sleep(gap)
        raise AssertionError

    def reconnect(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def _send_once(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """Status 0: there was no answer."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=TIMEOUT_S
            )
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.reconnect()
            return 0, b""

    def _authorization(self, scheme: str) -> str:
        if scheme == "Bearer":
            return f"Bearer {self.token}"
        text = base64.b64encode(f"@token:{self.token}".encode()).decode()
        return f"Basic {text}"


# Written by the client anew each time.
_OURS = {"Authorization", "Host", "Content-Length", "Connection", "Cookie"}


def replay(recording: Recording, sender: Sender) -> str:
    """Send it all, without the waits; the id that the workflow got."""
    old, new, connection = recording.workflow_id, "", 0
    for request in recording.requests:
        if request["conn"] != connection:
            sender.reconnect()
            connection = request["conn"]
        path, body = request["path"], json.dumps(whole_body(request))
        if new:
            path, body = path.replace(old, new), body.replace(old, new)
        if request["query"]:
            path = f"{path}?{request['query']}"
        headers = [(name, value) for name, value in request["headers"]]
        answer = sender.send(request["method"], path, body.encode(), headers)
        new = new or answer["workflowId"]
    sender.reconnect()
    return new


def invented_run(name: str, tasks: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and body of the calls of a run whose tasks all succeed.

    `{id}` in a path stands for the workflow's id. Each task is told of three times,
    in calls of its own: a lost one would show.
    """
    instant = time.time_ns() // 1_000_000
    create = {"sessionId": f"session-{name}", "runName": name, "instant": instant}
    yield "POST", "/trace/create", create
    begin = {"workflow": {"runName": name}, "processNames": ["A"], "instant": instant}
    yield "PUT", "/trace/{id}/begin", begin
    for number in range(1, tasks + 1):
        for step, status in enumerate(("SUBMITTED", "RUNNING", "COMPLETED")):
            task = {
                "taskId": number,
                "status": status,
                "name": f"A ({number})",
                "process": "A",
                "exit": 0 if status == "COMPLETED" else 2147483647,
            }
            progress = {"succeeded": number - (step < 2), "processes": []}
            now = instant + 3 * number + step
            body = {"tasks": [task], "progress": progress, "instant": now}
            yield "PUT", "/trace/{id}/progress", body
    end = {
        "workflow": {"runName": name, "success": True, "exitStatus": 0},
        "metrics": [],
        "progress": {"succeeded": tasks, "processes": []},
        "instant": instant + 3 * tasks + 9,
    }
    yield "PUT", "/trace/{id}/complete", end
