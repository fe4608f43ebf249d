"""The library in programs of others: without Django, and as docs/embedding.md says."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import turret.engine
from tests.arch.source import ROOT
from tests.e2e.sites import eventually, free_port
from turret.engine import TowerHandlerMixin, TowerRouter, WorkflowRegistry

CREATE = {"sessionId": "s", "runName": "dispatcher_b1", "instant": 1}
# The names of the old library.
NAMES = {
    "TowerHandlerMixin",
    "TowerRouter",
    "WorkflowRegistry",
    "classify_task_failure",
    "default_registry",
    "evict_old",
    "get_all_states",
    "get_progress",
    "get_state",
    "is_registered",
    "mark_complete",
    "parse_elapsed_s",
    "parse_nf_log",
    "parse_nf_trace",
    "register_workflow",
    "tower_process_to_slurm_name",
    "trace_create_response",
    "trace_path_for_log",
    "update_progress",
    "user_info_response",
    "workflow_id_for_batch",
}
# Only the standard library and the library itself can be imported; what is no part of
# the library, but beside it, may spell units as SeqHub does.
ALONE = """
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from pkgutil import iter_modules

OURS = {"turret", "turret.words", "seqhub", "seqhub.lib", "seqhub.lib.units"}

class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.stdlib_module_names or name in OURS:
            return None
        if name == "turret.engine" or name.startswith("turret.engine."):
            return None
        raise ImportError(f"{name} is not for embedding")

sys.meta_path.insert(0, Nothing())
import turret.engine
from turret.engine import *

register_workflow("w1", "b1", "dispatcher_b1")
router = TowerRouter()
body = b'{"progress": {"succeeded": 2}, "tasks": []}'
assert router.handle_put("/trace/w1/progress", body)[0] == 200
mark_complete("w1", None, {"success": True})
assert get_progress("b1")["success"] and get_state("b1")["pct"] == 100
assert classify_task_failure("/nowhere", 137) == "oom_host"
assert parse_nf_log("/nowhere")["progress"] is None
assert parse_nf_trace("/nowhere")["total"] == 0
assert "seqhub" not in sys.modules
for module in iter_modules(turret.engine.__path__):
    import_module(f"turret.engine.{module.name}")
assert "django" not in sys.modules
print("alone")
"""


class Handler(TowerHandlerMixin, BaseHTTPRequestHandler):
    tower_router = TowerRouter(WorkflowRegistry())

    def do_POST(self) -> None:
        """Of this program; the trace's are the mixin's."""
        if self.path != "/echo":
            super().do_POST()
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Tests are quiet."""


class Lasting(Handler):
    protocol_version = "HTTP/1.1"


class Broken(TowerRouter):
    """Fails as only a surprise does."""

    def handle_put(self, path: str, body: object) -> Any:
        raise RuntimeError("surprise")


@contextmanager
def served(handler: type[Handler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def port() -> Iterator[int]:
    with served(Handler) as port:
        yield port


def call(
    port: int, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, raw if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def output_of(program: str) -> str:
    """Of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


def test_it_works_where_django_can_t_be_imported() -> None:
    assert output_of(ALONE) == "alone\n"


def test_every_old_name_is_there() -> None:
    assert set(turret.engine.__all__) == NAMES
    assert all(hasattr(turret.engine, name) for name in NAMES)


def test_a_handler_traces_a_run(port: int) -> None:
    status, body, headers = call(port, "POST", "/api/trace/create", CREATE)
    workflow_id = json.loads(body)["workflowId"]
    assert (status, headers["Content-Type"]) == (200, "application/json")
    progress = {"progress": {"succeeded": 1}}
    assert call(port, "PUT", f"/trace/{workflow_id}/progress", progress)[0] == 200
    state = Handler.tower_router.registry.get_by_batch("b1")
    assert state is not None
    assert state["done"] == 1
    assert call(port, "GET", "/user-info")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/elsewhere", 404),
        ("PUT", "/elsewhere", 404),
        ("PUT", "/trace/null/begin", 404),
        ("GET", "/trace/create", 405),
        ("PUT", "/trace/create", 405),
    ],
)
def test_errors_are_json_with_a_message(
    method: str, path: str, status: int, port: int
) -> None:
    found, body, _ = call(port, method, path, {})
    assert found == status
    assert json.loads(body)["message"]


def test_other_paths_are_the_program_s(port: int) -> None:
    assert call(port, "POST", "/echo", b"all of it")[:2] == (201, b"all of it")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("", 411),
        ("Content-Length: many\r\n", 411),
        ("Content-Length: -5\r\n", 411),
        ("Content-Length: 99999999999\r\n", 413),
        ("Content-Length: 5\r\n", 503),
    ],
)
def test_bodies_of_no_good_length_are_refused(
    head: str, status: int, port: int
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(f"PUT /trace/x/progress HTTP/1.1\r\n{head}\r\n".encode())
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(f"HTTP/1.0 {status} ".encode())
    assert b'"message"' in answer


def test_a_connection_lasts_until_a_body_is_not_read() -> None:
    with served(Lasting) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        found = []
        for path in ("/trace/x/heartbeat", "/trace/null/begin", "/elsewhere"):
            connection.request("PUT", path, b"{}")
            answer = connection.getresponse()
            found.append((answer.status, answer.getheader("Connection")))
            answer.read()
        connection.close()
    assert found == [(200, None), (404, None), (404, "close")]


def test_a_surprise_is_503_which_nextflow_tries_again(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Handler, "tower_router", Broken())
    status, body, headers = call(port, "PUT", "/trace/x/progress", {})
    assert (status, headers["Retry-After"]) == (503, "5")
    assert b"surprise" in body


def code_of_the_page() -> list[str]:
    page = (ROOT / "docs" / "embedding.md").read_text()
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)


def test_the_page_s_program_runs_as_it_stands(tmp_path: Path) -> None:
    program, port = code_of_the_page()[0], free_port()
    assert len([line for line in program.splitlines() if line]) <= 15
    file = tmp_path / "program.py"
    # Only the port is another one: it could be in use.
    file.write_text(program.replace("8787", str(port)))
    running = subprocess.Popen(
        [sys.executable, file],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: is_open(port), "the program listens")
        _, body, _ = call(port, "POST", "/trace/create", CREATE)
        workflow_id = json.loads(body)["workflowId"]
        complete = {"workflow": {"success": True}, "progress": {"succeeded": 3}}
        call(port, "PUT", f"/trace/{workflow_id}/complete", complete)
        states = json.loads(call(port, "GET", "/progress")[1])
        assert [(one["batch_id"], one["success"]) for one in states] == [("b1", True)]
        assert call(port, "GET", "/elsewhere")[0] == 404
    finally:
        running.kill()
        running.wait()


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_page_s_other_examples_work() -> None:
    _, router_example, call_example = code_of_the_page()
    program = "\n".join(
        [
            "from http.server import BaseHTTPRequestHandler",
            "from turret.engine import *",
            router_example,
            "router = Handler.tower_router",
            'path, body = "/trace/x/progress", b"{}"',
            call_example,
            "print(status, router.registry is default_registry)",
        ]
    )
    assert output_of(program) == "200 False\n"
