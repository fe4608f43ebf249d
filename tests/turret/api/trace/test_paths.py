"""Paths, methods and the reading of bodies: checks 31 and 45 to 47."""

from __future__ import annotations

import io
import json
import socket
from typing import Any

import pytest
from django.test import Client

from tests.clients import client_with
from tests.turret.api.trace.wire import Wire, batch, beginning, creation, ending, task
from turret.api.trace import bodies
from turret.engine.body import MAX_BYTES
from turret.models import Workflow, WorkflowTask


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_calls_answer_at_the_root_and_below_api(wire: Wire, prefix: str) -> None:
    answer = wire.send("POST", f"{prefix}/trace/create", creation())
    path = f"{prefix}/trace/{answer.body['workflowId']}"
    assert wire.send("PUT", f"{path}/begin", beginning()).status == 200
    assert wire.send("PUT", f"{path}/progress", batch(task())).status == 200
    assert wire.send("PUT", f"{path}/heartbeat", {}).status == 200
    assert wire.send("PUT", f"{path}/complete", ending()).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/trace/create", 405),
        ("PUT", "/trace/create", 405),
        ("HEAD", "/trace/create", 405),
        ("OPTIONS", "/trace/create", 405),
        ("POST", "/trace/4Bi5xBK6E2Nbhj/begin", 405),
        ("GET", "/trace/4Bi5xBK6E2Nbhj/progress", 405),
        ("POST", "/user-info", 405),
        ("POST", "/trace/create/", 404),
        ("POST", "/trace", 404),
        ("POST", "/trace/", 404),
        ("POST", "/trace/create\n", 404),
        ("PUT", "/trace/4Bi5xBK6E2Nbhj", 404),
        ("PUT", "/trace/4Bi5xBK6E2Nbhj/foo", 404),
        ("PUT", "/trace/4Bi5xBK6E2Nbhj/begin/", 404),
        ("PUT", "/trace/4Bi5xBK6E2Nbhj/begin/more", 404),
        ("PUT", "/trace//begin", 404),
        ("GET", "/user-info/", 404),
        ("PATCH", "/workflow/4Bi5xBK6E2Nbhj", 404),
        ("PATCH", "/workflow/", 404),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_other_paths_and_methods_are_refused_as_json(
    wire: Wire, prefix: str, method: str, path: str, status: int
) -> None:
    answer = wire.send(method, prefix + path, {})
    assert answer.status == status
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("host", ["no name of ours", "evil.example.org", ""])
def test_any_host_is_served(wire: Wire, host: str) -> None:
    answer = wire.send("POST", "/trace/create", creation(), HTTP_HOST=host)
    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ACCEPT": "text/html"},
        {"HTTP_ACCEPT": "application/xml;q=1, nonsense"},
        {"CONTENT_TYPE": "text/plain"},
        {"CONTENT_TYPE": "application/json; charset=utf-8"},
        {"CONTENT_TYPE": "application/x-www-form-urlencoded"},
        {"HTTP_COOKIE": "sessionid=abc; csrftoken=def"},
        {"HTTP_UPGRADE": "h2c", "HTTP_CONNECTION": "Upgrade, HTTP2-Settings"},
        {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    ],
)
def test_no_header_changes_the_answer(wire: Wire, headers: dict[str, str]) -> None:
    assert wire.send("POST", "/trace/create", creation(), **headers).status == 200


def test_other_paths_are_still_djangos(client: Client) -> None:
    with pytest.raises(json.JSONDecodeError):
        Wire().send("GET", "/healthz/nothing")
    assert Wire().send("GET", "/healthz").body == {"status": "ok"}


def test_answers_are_counted_for_prometheus(wire: Wire) -> None:
    def counted() -> dict[str, float]:
        text = client_with("read").get("/metrics").content.decode()
        lines = [line for line in text.splitlines() if "trace_answers_total{" in line]
        return {name: float(count) for name, count in map(str.split, lines)}

    before = counted()
    made = wire.created()
    wire.call(made, "progress", {})
    wire.call(made, "progress", {})
    wire.call(made, "progress", b"{")
    wire.send("GET", "/trace/create")
    now = counted()
    new = {name: now[name] - before.get(name, 0) for name in now}
    assert {name: count for name, count in new.items() if count} == {
        'seqhub_trace_answers_total{call="create",status="200"}': 1,
        'seqhub_trace_answers_total{call="progress",status="200"}': 2,
        'seqhub_trace_answers_total{call="progress",status="400"}': 1,
        'seqhub_trace_answers_total{call="other",status="405"}': 1,
    }


class Chunks(io.RawIOBase):
    """A body that comes in pieces, and perhaps ends too early."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)

    def read(self, size: int = -1) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        if size >= 0 and len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size] if size >= 0 else piece


def in_chunks(*pieces: bytes | Exception) -> dict[str, Any]:
    return {
        "wsgi.input": Chunks(*pieces),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }


def test_a_body_without_a_length_is_read(wire: Wire) -> None:
    raw = json.dumps(batch(task())).encode()
    path = f"/trace/{wire.created()}/progress"
    chunks = in_chunks(*(raw[at : at + 100] for at in range(0, len(raw), 100)))
    assert wire.send("PUT", path, **chunks).status == 200
    assert WorkflowTask.objects.count() == 1


def test_a_body_that_ends_too_early_is_asked_for_again(wire: Wire) -> None:
    raw = json.dumps(batch(task())).encode()
    path = f"/trace/{wire.created()}/progress"
    short = {"CONTENT_LENGTH": str(len(raw) + 1)}
    assert wire.send("PUT", path, raw, **short).status == 503
    broken = in_chunks(raw[:100], ConnectionResetError())
    assert wire.send("PUT", path, **broken).status == 503
    assert not WorkflowTask.objects.exists()


def test_a_client_that_stops_half_way_holds_no_thread(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = json.dumps(batch(task())).encode()
    path = f"/trace/{wire.created()}/progress"
    monkeypatch.setattr(bodies, "SILENCE_S", 0.1)
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as stream:
        theirs.sendall(raw[:100])
        environ = {"wsgi.input": stream, "gunicorn.socket": ours}
        assert wire.send("PUT", path, raw, **environ).status == 503


@pytest.mark.parametrize("length", ["x", "-1", "1e3"])
def test_a_length_that_is_no_number_is_refused(wire: Wire, length: str) -> None:
    path = f"/trace/{wire.created()}/progress"
    assert wire.send("PUT", path, {}, CONTENT_LENGTH=length).status == 400


@pytest.mark.slow
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_beyond_the_limit_is_refused(wire: Wire, is_chunked: bool) -> None:
    made = wire.created()
    raw = b'{"instant": 1' + b" " * MAX_BYTES + b"}"
    environ = in_chunks(raw) if is_chunked else {}
    answer = wire.send("PUT", f"/trace/{made}/progress", raw, **environ)
    assert answer.status == 413
    whole = raw.replace(b" " * 20, b"", 1)
    assert len(whole) <= MAX_BYTES
    assert wire.call(made, "progress", whole).status == 200
    assert Workflow.objects.get().status == "running"
