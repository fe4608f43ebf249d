"""A whole SeqHub, run as people run it: `manage.py up` in a directory of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django_q.core_signing import dumps
from django_q.signing import PickleSerializer

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from seqhub.postgres import EmbeddedPostgres
from seqhub.supervisor.record import Record
from tests.directories import open_directory

MANAGE = Path(__file__).parents[2] / "manage.py"
PATIENCE_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], object], what: str) -> None:
    """Wait until `look` returns something true."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)


@dataclass
class Site:
    """One data directory, host name and port, with or without a running `up`."""

    directory: Path
    host: str = "testhost"
    database_url: str | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        self.data_dir = self.directory / "var"
        (self.directory / "seqhub.yaml").write_text(f"host: {self.host}\n")

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def up(self) -> subprocess.Popen[bytes]:
        assert self.process, "up was not started"
        return self.process

    def environment(self) -> dict[str, str]:
        ours = ("SEQHUB_", "DATABASE_URL", "DJANGO_")
        env = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        if self.database_url:
            env["DATABASE_URL"] = self.database_url
        return env

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            cwd=self.directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def make_token(self, *scopes: str) -> str:
        """The text of a new token."""
        flags = [part for scope in scopes for part in ("--scope", scope)]
        done = self.command("token", "create", "script", *flags)
        assert done.returncode == 0, done.stderr
        return done.stdout.removesuffix("\n")

    def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            already = log.tell()
            self.process = processes.spawn(
                [sys.executable, MANAGE, "up", "--port", str(self.port)],
                cwd=self.directory,
                env=self.environment(),
                output=log,
            )
        # Orphans of a killed `up` may answer meanwhile.
        eventually(lambda: "console  " in self._log_from(already), "the start")
        eventually(self.is_ready, f"readiness\n{self.log}")

    def _log_from(self, start: int) -> str:
        assert self.up.poll() is None, self.log
        return self.log[start:]

    def is_ready(self) -> bool:
        assert self.up.poll() is None, self.log
        try:
            return self.get("/readyz") == 200
        except OSError:
            return False

    def get(self, path: str) -> int:
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def stop(self) -> int:
        """Ask for a stop and wait for the end; the exit code."""
        self.up.terminate()
        return self.up.wait(PATIENCE_S)

    def sessions(self) -> dict[str, int]:
        """Session ids of the children, by queue name or role."""
        found = {}
        for child in psutil.Process(self.up.pid).children():
            with suppress(psutil.Error):  # one that has just been killed
                env = child.environ()
                if name := env.get("Q_CLUSTER_NAME") or env.get("SEQHUB_ROLE"):
                    found[name] = child.pid
        return found

    def query(self, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
        url = self.database_url or EmbeddedPostgres(self.data_dir).url
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []

    def ring(self, queue: str, function: str, *arguments: Any) -> int:
        """Send a task as django-q2 does, signed with this site's key; its row's id."""
        task = {
            "id": uuid.uuid4().hex,
            "name": uuid.uuid4().hex,
            "func": function,
            "args": arguments,
            "kwargs": {},
            "started": dt.datetime.now(dt.UTC),
        }
        key = (self.data_dir / "secret-key").read_text()
        payload = dumps(task, key=key, salt="seqhub", serializer=PickleSerializer)
        insert = "INSERT INTO django_q_ormq (key, payload, lock) VALUES (%s, %s, now())"
        return int(self.query(f"{insert} RETURNING id", queue, payload)[0][0])

    def see_work(self, queue: str) -> None:
        """See a task of the queue being done, and its message going then."""
        proof = self.directory / uuid.uuid4().hex
        row = self.ring(queue, "os.mkdir", str(proof))
        eventually(proof.exists, f"a task of {queue}\n{self.log}")
        left = "SELECT 1 FROM django_q_ormq WHERE id = %s"
        eventually(lambda: not self.query(left, row), f"the result\n{self.log}")

    def event_messages(self) -> list[str]:
        return [row[0] for row in self.query("SELECT message FROM operations_event")]

    def kill_everything(self) -> None:
        """SIGKILL to `up` and all that it has started, however deep."""
        rest = {ProcessId.of(self.up.pid), *processes.descendants(self.up.pid)}
        for process in rest:
            process.send(signal.SIGKILL)
        self.up.wait()

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines()]


@contextmanager
def new_site() -> Iterator[Site]:
    """A site in an empty directory; whatever runs there is ended."""
    with open_directory() as directory:
        site = Site(directory / "site")
        try:
            yield site
        finally:
            end(site)


def end(site: Site) -> None:
    if site.process is None:
        return
    if site.process.poll() is None:
        site.process.send_signal(signal.SIGQUIT)
        site.process.wait(PATIENCE_S)
    # A test may have killed `up` and failed before the next one.
    Record(site.data_dir).end_leftovers()
    if site.database_url is None:
        with EmbeddedPostgres(site.data_dir).use():
            pass
