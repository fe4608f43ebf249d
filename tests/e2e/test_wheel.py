"""The built wheel alone, as `pip install seqhub` would bring it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.directories import open_directory

ROOT = Path(__file__).resolve().parents[2]
START_S = 120
STOP_S = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seqhub() -> Iterator[Path]:
    """The `seqhub` script of an environment that holds the wheel and its parts."""
    with open_directory() as directory:
        build = [sys.executable, "-m", "build", "--no-isolation", "--wheel"]
        run([*build, "--outdir", str(directory), str(ROOT)])
        [wheel] = directory.glob("*.whl")
        environment = directory / "environment"
        run(["uv", "venv", "-q", "--python", sys.executable, str(environment)])
        python = environment / "bin" / "python"
        install = ["uv", "pip", "install", "-q", "--python", str(python)]
        run([*install, "-c", str(ROOT / "requirements.lock"), str(wheel)])
        yield environment / "bin" / "seqhub"


def run(command: list[str]) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert isinstance(port, int)
    return port


def status(url: str) -> int:
    """The status of an answer; 0 where nobody answers in time."""
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - our own server
            return int(answer.status)
    except OSError as error:
        return int(getattr(error, "code", 0))


def test_it_runs_in_an_empty_directory(seqhub: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with open_directory() as directory:
        process = subprocess.Popen(
            [seqhub, "up", "--port", str(port)],
            cwd=directory,
            env={"PATH": os.environ["PATH"], "HOME": str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=(log := (directory / "log").open("w+b")),
            stderr=subprocess.STDOUT,
        )
        try:
            end = time.monotonic() + START_S
            while status(f"{url}/readyz") != 200:
                assert process.poll() is None, (directory / "log").read_text()
                assert time.monotonic() < end, (directory / "log").read_text()
                time.sleep(0.2)
            # Templates, static files and the API's documentation are in the wheel.
            assert status(f"{url}/admin/login/") == 200
            assert status(f"{url}/static/console/console.css") == 200
            assert status(f"{url}/docs") == 200
            assert list((directory / "var" / "example-instrument").iterdir())
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(STOP_S)
            log.close()
        assert code == 0, (directory / "log").read_text()
