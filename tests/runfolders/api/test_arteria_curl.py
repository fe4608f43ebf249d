"""A walk through Arteria's interface with `curl`, as its README shows it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from runfolders.models import Root
from seqhub.wsgi import application
from tests.clients import make_admin, token_of

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")


class Quiet(WSGIRequestHandler):
    def log_message(self, *_args: object) -> None: ...


@pytest.fixture
def server_url(transactional_db: None) -> Iterator[str]:
    """Where the application answers that `up` serves."""
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def curl(*arguments: str) -> tuple[int, bytes]:
    """Status and body."""
    done = subprocess.run(
        [
            "curl",
            "--silent",
            "--show-error",
            "--write-out",
            "\n%{http_code}",
            *arguments,
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def test_curl_walks_the_whole_interface(
    server_url: str,
    root: Root,
    configure: Callable[..., None],
) -> None:
    configure(can_create_runfolder=True)
    user = ["--user", f"@token:{token_of(make_admin())}"]
    api = f"{server_url}/api/1.0"
    path = f"{root.path}/140101_M04499_0001_TEST"
    url = f"{api}/runfolders/path{path}"

    status, body = curl(f"{server_url}/api")
    assert status == 200
    assert any(
        entry["route"] == f"{api}/runfolders" for entry in json.loads(body)["doc"]
    )
    assert curl(f"{api}/runfolders")[0] == 401
    assert curl(*user, f"{api}/runfolders/next") == (204, b"")
    assert curl(*user, "-X", "PUT", url) == (201, b"")
    assert json.loads(curl(*user, url)[1])["state"] == "none"
    ready = f"{api}/runfolders/test/markasready/path{path}"
    assert curl(*user, "-X", "PUT", ready) == (200, b"")
    [listed] = json.loads(curl(*user, f"{api}/runfolders")[1])["runfolders"]
    assert (listed["path"], listed["state"], listed["link"]) == (path, "ready", url)
    assert json.loads(curl(*user, f"{api}/runfolders/next")[1]) == listed
    status, body = curl(*user, f"{api}/runfolders/pickup")
    assert (status, json.loads(body)) == (200, {**listed, "state": "pending"})
    assert curl(*user, f"{api}/runfolders/pickup") == (204, b"")

    # --data sends the content type of a form.
    data = ["--data", '{"state": "STARTED"}']
    assert curl(*user, "-X", "POST", *data, url) == (200, b"")
    assert json.loads(curl(*user, url)[1])["state"] == "started"
    data = ["--data", '{"state": "done"}']
    assert curl(*user, *data, f"{api}/runfolders{path}") == (200, b"")
    [listed] = json.loads(curl(*user, f"{api}/runfolders?state=done")[1])["runfolders"]
    assert listed["state"] == "done"
    assert curl(*user, "--data", '{"state": "x"}', url)[0] == 400

    level = [f"{api}/admin/log_level"]
    data = ["-X", "PUT", "--data", '{"log_level": "DEBUG"}']
    assert json.loads(curl(*user, *data, *level)[1]) == {"log_level": "DEBUG"}
    data = ["-X", "PUT", "--data", '{"log_level": "INFO"}']
    assert curl(*user, *data, *level)[0] == 200
    assert json.loads(curl(*user, *level)[1]) == {"log_level": "INFO"}


def test_a_path_arrives_as_it_was_sent(
    server_url: str,
    root: Root,
    configure: Callable[..., None],
) -> None:
    configure(can_create_runfolder=True)
    user = ["--user", f"@token:{token_of(make_admin())}", "--path-as-is"]
    base = f"{server_url}/api/1.0/runfolders/path{root.path}"
    for name in (
        "a%20b",
        "caf%E9",
        "caf%25E9",
        "%E9%25E9",
        "100%25",
        "%C3%A5r",
        "x%2By",
    ):
        assert curl(*user, "-X", "PUT", f"{base}/{name}") == (201, b"")
        status, body = curl(*user, f"{base}/{name}")
        assert status == 200
        assert json.loads(body)["link"] == f"{base}/{name}"
    assert curl(*user, f"{base}/../seq/a%20b")[0] == 400
    assert curl(*user, f"{base}/%2e%2e/seq/a%20b")[0] == 400
    assert curl(*user, f"{base}//a%20b")[0] == 200
