from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from seqhub.postgres import (
    EmbeddedPostgres,
    NoDatabase,
    PostgresError,
)
from seqhub.postgres_account import NAME
from tests.directories import open_directory

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
ROOT = Path(__file__).parents[2]
SETUP = """
import os, pathlib, sys, time, psycopg
from seqhub.postgres import *
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]))
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory() as path:
        yield path


@pytest.fixture
def server(directory: Path) -> EmbeddedPostgres:
    server = EmbeddedPostgres(directory / "data")
    server.create()
    return server


def _postmaster(server: EmbeddedPostgres) -> ProcessId:
    pid_file = server.directory / "postmaster.pid"
    return ProcessId.of(int(pid_file.read_text().splitlines()[0]))


def _query(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def _python(server: EmbeddedPostgres, program: str) -> subprocess.Popen[bytes]:
    """A process that uses the server and runs `program` meanwhile."""
    return processes.spawn(
        [sys.executable, "-c", SETUP + program, server.data_dir],
        cwd=ROOT,
        output=subprocess.PIPE,
    )


def test_it_refuses_a_directory_without_a_database(directory: Path) -> None:
    server = EmbeddedPostgres(directory / "data")
    with pytest.raises(NoDatabase, match="run `up` first"), server.use():
        pass
    assert list(directory.iterdir()) == []


def test_it_runs_only_while_it_is_used(server: EmbeddedPostgres) -> None:
    assert not server.is_running
    with server.use():
        postmaster = _postmaster(server)
        with server.use():
            assert _query(server, "SELECT current_user::text") == "seqhub"
        assert server.is_running
    assert not server.is_running
    assert not postmaster.is_alive()


def test_the_database_is_utf8_and_private(server: EmbeddedPostgres) -> None:
    with server.use():
        assert _query(server, "SHOW server_encoding") == "UTF8"
        query = "SELECT datlocale FROM pg_database WHERE datname = 'seqhub'"
        assert _query(server, query) == "C.UTF-8"
        assert _query(server, "SHOW listen_addresses") == ""
        for private in (server.directory, server.socket_dir):
            assert private.stat().st_mode & 0o077 == 0


def test_creating_again_changes_nothing(server: EmbeddedPostgres) -> None:
    before = (server.directory / "PG_VERSION").stat()
    server.create()
    assert (server.directory / "PG_VERSION").stat() == before


@pytest.mark.slow
def test_a_killed_creation_leaves_nothing_half_made(directory: Path) -> None:
    server = EmbeddedPostgres(directory / "data")
    for delay_s in (0.05, 0.2, 0.4):
        creation = _python(server, "server.create()")
        partial = server.data_dir / "postgres.partial"
        while not partial.exists() and not server.exists:
            time.sleep(0.005)
        time.sleep(delay_s)
        processes.end_session(creation.pid, grace_s=0)
        creation.communicate()
    server.create()
    assert not partial.exists()
    with server.use():
        assert _query(server, "SELECT 1") == 1


@pytest.mark.slow
def test_many_users_at_once_share_one_server(server: EmbeddedPostgres) -> None:
    def use(_index: int) -> object:
        with server.use():
            return _query(server, "SELECT pg_postmaster_start_time()")

    with server.use(), ThreadPoolExecutor(8) as pool:
        starts = set(pool.map(use, range(24)))
    assert len(starts) == 1
    with ThreadPoolExecutor(8) as pool:
        # Starting and stopping under each other's feet now.
        assert None not in set(pool.map(use, range(24)))
    assert not server.is_running


def test_a_killed_user_does_not_hold_the_server(server: EmbeddedPostgres) -> None:
    user = _python(server, "with server.use(): print('in', flush=True); time.sleep(60)")
    assert user.stdout
    assert user.stdout.readline() == b"in\n"
    user.kill()
    user.communicate()
    assert server.is_running
    postmaster = _postmaster(server)
    with server.use():
        assert _postmaster(server) == postmaster
    assert not postmaster.is_alive()


def test_a_child_with_the_lock_keeps_the_server(server: EmbeddedPostgres) -> None:
    with server.use() as lock:
        child = processes.spawn(["sleep", "60"], pass_fds=[lock])
    assert server.is_running
    child.kill()
    child.wait()
    with server.use():
        pass
    assert not server.is_running


def test_a_killed_server_comes_back_with_its_data(server: EmbeddedPostgres) -> None:
    with server.use():
        connection = psycopg.connect(server.url, autocommit=True)
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        # A backend that is too busy to notice that its server is gone.
        connection.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1e9)")
        processes.end([_postmaster(server)], grace_s=0)
        assert server.ensure_running()
        connection.close()
        assert _query(server, "SELECT number FROM kept") == 7
        assert not server.ensure_running()


@pytest.mark.parametrize("name", ["python", "postgres"])
def test_an_unrelated_process_with_the_old_number_is_no_server(
    server: EmbeddedPostgres, directory: Path, name: str
) -> None:
    with server.use():
        uid = server.directory.stat().st_uid
        pid_file = (server.directory / "postmaster.pid").read_text()
    program = directory / name
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    other = subprocess.Popen([program, "60"], user=uid)
    lines = pid_file.splitlines()
    stale = "\n".join([str(other.pid), *lines[1:]]) + "\n"
    (server.directory / "postmaster.pid").write_text(stale)
    (server.socket_dir / ".s.PGSQL.5432.lock").write_text(stale)
    try:
        assert not server.is_running
        with server.use():
            assert _query(server, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_deep_data_directory_gets_a_short_socket(directory: Path) -> None:
    server = EmbeddedPostgres(directory.joinpath(*["deep" * 10] * 4))
    assert len(os.fsencode(server.socket_dir)) < 60
    server.create()
    with server.use():
        assert _query(server, "SELECT 1") == 1
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
    server.socket_dir.rmdir()


def test_it_uses_no_socket_directory_of_somebody_else(directory: Path) -> None:
    server = EmbeddedPostgres(directory.joinpath(*["deep" * 10] * 4))
    server.create()
    (directory / "theirs").mkdir()
    server.socket_dir.symlink_to(directory / "theirs")
    try:
        with pytest.raises(PostgresError, match="not a private directory"):
            server.use().__enter__()
        server.socket_dir.unlink()
        server.socket_dir.mkdir()
        server.socket_dir.chmod(0o777)
        with pytest.raises(PostgresError, match="not a private directory"):
            server.use().__enter__()
    finally:
        server.socket_dir.rmdir()


def test_another_major_version_is_refused_untouched(server: EmbeddedPostgres) -> None:
    (server.directory / "PG_VERSION").write_text("17\n")
    with pytest.raises(PostgresError, match=r"PostgreSQL 17.*docs/operations\.md"):
        server.use().__enter__()
    assert (server.directory / "PG_VERSION").read_text() == "17\n"


def test_a_damaged_database_says_why_it_does_not_start(
    server: EmbeddedPostgres,
) -> None:
    (server.directory / "global" / "pg_control").unlink()
    with pytest.raises(PostgresError, match=r"does not start: .*pg_control"):
        server.use().__enter__()


def test_a_big_log_is_put_aside(server: EmbeddedPostgres) -> None:
    log = server.data_dir / "postgres.log"
    with log.open("wb") as file:
        file.truncate(20_000_000)
    with server.use():
        assert log.stat().st_size < 10_000
    assert log.with_name("postgres.log.1").stat().st_size == 20_000_000


@as_root
def test_root_runs_it_as_a_user_of_its_own(server: EmbeddedPostgres) -> None:
    with server.use():
        argv = ["ps", "-o", "user:32=", str(_postmaster(server).pid)]
        assert subprocess.check_output(argv, text=True).strip() == NAME


@as_root
def test_a_closed_ancestor_is_named(tmp_path: Path) -> None:
    tmp_path.parent.chmod(0o700)
    server = EmbeddedPostgres(tmp_path / "data")
    with pytest.raises(PostgresError, match=r"can't be entered.*chmod o\+x") as caught:
        server.create()
    closed = next(p for p in reversed(tmp_path.parents) if not p.stat().st_mode & 1)
    assert f"the directory {closed} can't" in str(caught.value)
    assert not server.exists


@as_root
@pytest.mark.slow
def test_root_and_the_owner_share_a_users_database(directory: Path) -> None:
    nobody = 65534
    server = EmbeddedPostgres(directory / "data")
    server.data_dir.mkdir()
    os.chown(server.data_dir, nobody, nobody)

    def user(sleep_s: int) -> subprocess.Popen[bytes]:
        # All is imported before the change of user, who may not read this Python.
        process = _python(
            server,
            f"os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})\n"
            "server.create()\n"
            "with server.use():\n"
            "    psycopg.connect(server.url).close()\n"
            f"    print('in', flush=True); time.sleep({sleep_s})\n",
        )
        assert process.stdout
        assert process.stdout.readline() == b"in\n"
        return process

    first = user(60)
    with server.use():
        assert _query(server, "SELECT current_user::text") == "seqhub"
        first.kill()
        first.communicate()
    assert not server.is_running
    with server.use():  # started by root this time
        assert server.directory.stat().st_uid == nobody
        assert user(0).communicate()[0] == b""
    # The lock files that root opened are still the user's.
    assert user(0).communicate()[0] == b""
    assert not server.is_running


@pytest.mark.slow
def test_a_full_disk_is_named_and_leaves_nothing(directory: Path) -> None:
    disk = directory / "disk"
    disk.mkdir()
    program = (
        "try: server.create()\n"
        "except DataDirectoryFull as error: print(error)\n"
        "print(*[path.name for path in server.data_dir.iterdir()])\n"
    )
    mount = 'mount -t tmpfs -o size=1m,mode=711 none "$1" && shift && exec "$@"'
    python = [sys.executable, "-c", SETUP + program, str(disk / "data")]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", disk, *python],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("mounts are not allowed here")
    assert "no space left" in done.stdout, done.stderr
    assert done.stdout.splitlines()[1:] == ["run"]
