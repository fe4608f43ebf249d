"""`up` as a sysadmin meets it: starting, refusing to start, stopping."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from seqhub.postgres import EmbeddedPostgres
from seqhub.supervisor.errors import ExitCode
from tests.e2e.sites import MANAGE, Site, eventually, new_site

pytestmark = pytest.mark.slow


@pytest.fixture
def site() -> Iterator[Site]:
    with new_site() as site:
        yield site


@pytest.fixture(scope="module")
def lasting_site() -> Iterator[Site]:
    with new_site() as site:
        yield site


@pytest.fixture
def running(lasting_site: Site) -> Site:
    """A site that is up, and that the test may stop."""
    if lasting_site.process is None or lasting_site.process.poll() is not None:
        lasting_site.start()
    return lasting_site


def _refused(done: subprocess.CompletedProcess[str], code: ExitCode) -> str:
    """The one line that a refusal consists of."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_it_serves_from_nothing_and_admits_no_second_one(site: Site) -> None:
    site.start()
    assert site.get("/admin/login/") == 200
    password = site.data_dir / "admin-password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert password.read_text().strip() in site.log
    for queue in ("default", "local-testhost", "long-testhost"):
        site.see_work(queue)

    refusal = _refused(site.command("up", "--port", "1"), ExitCode.ALREADY_RUNNING)
    assert f"process {site.up.pid}" in refusal
    assert site.get("/readyz") == 200
    # A command shares the database of an `up` and leaves it running.
    assert site.command("backup", "saved").returncode == 0
    restore = site.command("restore-backup", "saved", "--replace", "--yes")
    assert restore.returncode == 1
    assert "already up" in restore.stderr
    assert site.get("/readyz") == 200

    assert site.stop() == 0
    assert all({"at", "process", "message"} <= set(line) for line in site.messages())
    secret = password.read_text()
    site.start()
    assert password.read_text() == secret
    assert site.log.count(secret.strip()) == 1


def test_a_port_in_use_is_told_before_anything_is_made(site: Site) -> None:
    with socket.create_server(("127.0.0.1", site.port)):
        done = site.command("up", "--port", str(site.port))
    assert str(site.port) in _refused(done, ExitCode.PORT_IN_USE)
    assert not (site.data_dir / "postgres").exists()


def test_a_directory_that_cant_be_made_is_told(site: Site) -> None:
    site.data_dir.write_text("a file")
    refusal = _refused(site.command("up"), ExitCode.DIRECTORY)
    assert str(site.data_dir) in refusal


def test_a_full_disk_is_told_and_nothing_is_damaged(site: Site) -> None:
    site.data_dir.mkdir()
    mount = 'mount -t tmpfs -o size=1m,mode=711 none var && exec "$@"; ls var'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mount}", "sh", sys.executable, MANAGE, "up"],
        cwd=site.directory,
        env=site.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("mounts are not allowed here")
    assert "no space left" in _refused(done, ExitCode.DIRECTORY)


def test_a_database_of_a_newer_schema_stays_untouched(running: Site) -> None:
    running.query(
        "INSERT INTO django_migrations (app, name, applied)"
        " VALUES ('operations', '9999_future', now())"
    )
    assert running.stop() == 0
    done = running.command("up", "--port", str(running.port))
    assert "operations.9999_future" in _refused(done, ExitCode.NEWER_DATABASE)
    with EmbeddedPostgres(running.data_dir).use():
        forget = "DELETE FROM django_migrations WHERE name = '9999_future' RETURNING 1"
        assert running.query(forget) == [(1,)]


def test_a_first_stop_finishes_what_runs(running: Site) -> None:
    started, done = running.directory / "started", running.directory / "done"
    script = f"touch {started}; sleep 3; touch {done}"
    # With recycling workers and a full queue, where django-q2 itself would hang.
    for _ in range(4):
        running.ring("long-testhost", "subprocess.check_call", ["sh", "-c", script])
    running.ring("default", "subprocess.check_call", ["sh", "-c", script])
    eventually(started.exists, "the start of the task")
    running.up.terminate()
    running.up.terminate()  # make and terminals deliver doubles
    assert running.up.wait(30) == 0
    assert done.exists()
    assert "finished what runs" in running.log


def test_a_second_stop_cancels_what_runs(running: Site) -> None:
    pid_file = running.directory / "pid"
    script = f"echo $$ > {pid_file}; exec sleep 600"
    running.ring("long-testhost", "subprocess.check_call", ["sh", "-c", script])
    eventually(lambda: pid_file.exists() and pid_file.read_text(), "the task's start")
    task = ProcessId.of(int(pid_file.read_text()))
    family = processes.descendants(running.up.pid)
    running.up.send_signal(signal.SIGINT)
    time.sleep(1.5)
    assert running.up.poll() is None
    assert task.is_alive()
    running.up.send_signal(signal.SIGINT)
    assert running.up.wait(30) == 0
    assert not [process for process in (task, *family) if process.is_alive()]


@contextmanager
def _bare_cluster(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    cluster = processes.spawn(
        [sys.executable, MANAGE, "qcluster"],
        cwd=site.directory,
        env=site.environment() | {"Q_CLUSTER_NAME": "bare"},
    )
    try:
        yield cluster
    finally:
        processes.end_session(cluster.pid, grace_s=0)
        cluster.wait()


def _ring(site: Site, script: str) -> bool:
    try:
        site.ring("bare", "subprocess.check_call", ["sh", "-c", script])
    except psycopg.OperationalError:
        return False
    return True


def test_a_bare_cluster_stops_in_two_steps_too(running: Site) -> None:
    running.stop()
    ready, done = running.directory / "ready", running.directory / "done"
    with _bare_cluster(running) as cluster:
        script = f"touch {ready}; sleep 2; touch {done}"
        eventually(lambda: _ring(running, script), "the cluster's database")
        eventually(ready.exists, "the task's start")
        os.killpg(cluster.pid, signal.SIGINT)  # as a terminal does
        assert cluster.wait(30) == 0
        assert done.exists()
    ready.unlink()
    with _bare_cluster(running) as cluster:
        script = f"touch {ready}; exec sleep 600"
        eventually(lambda: _ring(running, script), "the cluster's database")
        eventually(ready.exists, "the task's start")
        cluster.terminate()
        time.sleep(1.5)
        assert cluster.poll() is None
        cluster.terminate()
        assert cluster.wait(30) == 0
        assert not processes.session_members(cluster.pid)


def test_the_listening_socket_survives_the_web_server(running: Site) -> None:
    web = psutil.Process(running.sessions()["web"])
    refused, answered = 0, 0
    killed_at = None
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            answered += running.get("/healthz") == 200
        except ConnectionRefusedError:
            refused += 1
        except OSError:
            continue  # what the killed server was answering is lost
        if killed_at is None and answered > 20:
            killed_at = answered
            for process in (web, *web.children()):
                process.kill()
        if killed_at is not None and answered > killed_at + 20:
            break
    assert killed_at is not None
    assert answered > killed_at + 20
    assert refused == 0


def test_help_tells_the_exit_codes(tmp_path: Path) -> None:
    """`up --help` works anywhere and tells the exit codes."""
    done = Site(tmp_path / "site").command("up", "--help")
    assert done.returncode == 0
    assert "7 the database" in " ".join(done.stdout.split())
