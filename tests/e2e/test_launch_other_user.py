"""Launches that run as another user, by a cluster of that user's own."""

from __future__ import annotations

import os
import pwd
import shutil
import site as python_site
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seqhub.lib import processes
from seqhub.postgres_server import INITDB_OPTIONS, binary
from tests.directories import open_directory
from tests.e2e.sites import MANAGE, PATIENCE_S, Site, end, eventually, free_port
from tests.needs import need
from tests.nextflow.runs import PIPELINES, environment
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.process import read_exit_code, read_process

pytestmark = pytest.mark.slow

# Accounts that every Linux has: the pipelines', and the group of the web server.
PIPE = "nobody"
WEB = "daemon"


def as_user(name: str, *argv: str | Path) -> list[str]:
    user = pwd.getpwnam(name)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids, "--no-new-privs", *map(str, argv)]


def can_read(name: str, path: Path) -> bool:
    done = subprocess.run(as_user(name, "cat", path), capture_output=True, check=False)
    return done.returncode == 0


def python_for_all() -> str | None:
    """Our Python, or the system's if others can't run ours."""
    of_system = shutil.which(f"python{sysconfig.get_python_version()}", path="/usr/bin")
    for program in (sys.executable, of_system):
        if program:
            argv = as_user(PIPE, program, "-c", "")
            if not subprocess.run(argv, capture_output=True, check=False).returncode:
                return program
    return None


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """A server that listens on 127.0.0.1, as one of a site's own does; its URL."""
    port, data = free_port(), directory / "postgres"
    data.mkdir(mode=0o700)
    shutil.chown(data, PIPE)
    options = (*INITDB_OPTIONS[:1], "--locale=C", "--auth=trust", "--username=seqhub")
    subprocess.run(
        as_user(PIPE, binary("initdb"), "-D", data, *options),
        cwd="/",
        check=True,
        capture_output=True,
    )
    address = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={port}", "-k", "")
    server = processes.spawn(
        as_user(PIPE, binary("postgres"), "-D", data, *address),
        cwd=Path("/"),
        output=subprocess.DEVNULL,
    )
    try:
        yield f"postgresql://seqhub@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(PATIENCE_S)


@dataclass
class Pipe:
    """A bare cluster `local-pipe` of the user, and its launches."""

    directory: Path
    site: Site
    nextflow: Path
    python: str
    launches: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self.launches = self.directory / "launches"
        self.launches.mkdir()
        shutil.chown(self.launches, PIPE, pwd.getpwnam(WEB).pw_gid)
        self.launches.chmod(0o2750)
        key = self.directory / "secret-key"
        shutil.copy(self.site.data_dir / "secret-key", key)
        shutil.chown(key, PIPE)
        (self.directory / "home").mkdir()
        shutil.chown(self.directory / "home", PIPE)
        (self.directory / "seqhub.yaml").write_text(
            f"host: pipe\nsecret_key_file: {key}\n"
            f"data_dir: {self.directory / 'home'}\n"
            f"turret:\n  launcher:\n    nextflow: {self.nextflow}\n"
            f"    work_dir: {self.launches}\n"
        )

    def start(self) -> None:
        env = self.site.environment() | environment(self.directory / "home")
        env |= {
            "HOME": str(self.directory / "home"),
            "SEQHUB_CONFIG": str(self.directory / "seqhub.yaml"),
            "Q_CLUSTER_NAME": "local-pipe",
            "PYTHONPATH": os.pathsep.join(python_site.getsitepackages()),
        }
        with (self.directory / "log").open("ab") as log:
            self.process = processes.spawn(
                as_user(PIPE, self.python, MANAGE, "qcluster"),
                cwd=self.directory / "home",
                env=env,
                output=log,
            )

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE_S)


@pytest.fixture
def pipe(nextflow: Path) -> Iterator[Pipe]:
    need(os.geteuid() == 0, "needs root, to be two users")
    python = python_for_all()
    need(python, "needs a Python that other users can run")
    with open_directory() as directory, postgres(directory) as url:
        site = Site(directory / "site", database_url=url)
        site.start()
        pipe = Pipe(directory / "pipe", site, nextflow, str(python))
        try:
            pipe.start()
            yield pipe
        finally:
            pipe.stop()
            for path in pipe.launches.iterdir():
                if script := read_process(LaunchFiles(path)):
                    processes.end_session(script.pid, grace_s=0)
            end(site)


def launch(pipe: Pipe, name: str, *options: str) -> LaunchFiles:
    """One that the user of the web server asks for."""
    rows = "SELECT 1 FROM turret_computeenvironment WHERE name = 'local@pipe'"
    eventually(lambda: pipe.site.query(rows), "the compute environment")
    argv = ("launch", str(PIPELINES / name), "--compute", "local@pipe", *options)
    done = pipe.site.command(*argv)
    assert done.returncode == 0, done.stderr
    return LaunchFiles(pipe.launches / done.stdout.strip())


def state_of(pipe: Pipe, files: LaunchFiles) -> str:
    query = (
        "SELECT l.state FROM turret_launch l JOIN turret_workflow w"
        " ON w.id = l.workflow_id"
        " WHERE w.workflow_id = %s"
    )
    return str(pipe.site.query(query, files.directory.name)[0][0])


def test_a_cluster_of_another_user_launches_as_that_user(pipe: Pipe) -> None:
    files = launch(pipe, "three", "--profile", "test")
    eventually(lambda: state_of(pipe, files) == "succeeded", "the end")
    assert read_exit_code(files) == 0
    owner = pwd.getpwnam(PIPE).pw_uid
    made = [files.directory, *files.directory.rglob("*")]
    assert {path.lstat().st_uid for path in made} == {owner}
    assert (files.launch_dir / "results" / "counts.tsv").read_text()
    for path in (files.output, files.nextflow_log, files.trace):
        assert can_read(WEB, path), path
    for path in (files.params, files.config, files.script):
        assert can_read(PIPE, path)
        assert not can_read(WEB, path), path
    for name in ("secret-key", "admin-password"):
        assert (pipe.site.data_dir / name).is_file()
        assert not can_read(PIPE, pipe.site.data_dir / name), name


def test_the_queue_of_another_host_is_refused(tmp_path: Path) -> None:
    site = Site(tmp_path / "site", database_url="postgresql://nobody@127.0.0.1:1/none")
    done = subprocess.run(
        [sys.executable, MANAGE, "qcluster"],
        cwd=site.directory,
        env=site.environment() | {"Q_CLUSTER_NAME": "local-elsewhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "local-elsewhere" in done.stderr
    assert "testhost" in done.stderr


def test_what_another_user_runs_is_cancelled(pipe: Pipe) -> None:
    values = ("--param", "samples=a", "--param", "seconds=600")
    files = launch(pipe, "sleeps", *values)
    eventually(
        lambda: files.output.exists() and "SLEEP (a)" in files.output.read_text(),
        "the task",
    )
    script = read_process(files)
    assert script
    uid = Path(f"/proc/{script.pid}").stat().st_uid
    assert uid == pwd.getpwnam(PIPE).pw_uid
    done = pipe.site.command("cancel", files.directory.name)
    assert done.returncode == 0, done.stderr
    eventually(lambda: state_of(pipe, files) == "cancelled", "the end")
    assert not processes.session_members(script.pid)
