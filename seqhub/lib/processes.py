"""Child processes: who they are, whose they are, and how they end (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, Self

import psutil

PR_SET_PDEATHSIG = 1
POLL_S = 0.05


class Cancelled(SystemExit):
    """Raised in a worker whose task is to stop now and clean up behind itself.

    Not an Exception, so that only code which means to meet it does.
    """


@dataclass(frozen=True)
class ProcessId:
    """A process, told apart from a later one that got the same number.

    `start_ticks` is field 22 of /proc/PID/stat (proc(5)): clock ticks since the
    machine booted, which unlike a time of day never changes when the clock is
    set. `boot` is the kernel's boot id.
    """

    pid: int
    start_ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """Raises ProcessLookupError when there is no such process."""
        ticks, _ = _stat(pid)
        return cls(pid, ticks, _boot_id())

    @classmethod
    def current(cls) -> Self:
        return cls.of(os.getpid())

    def is_alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        try:
            ticks, state = _stat(self.pid)
        except ProcessLookupError:
            return False
        return ticks == self.start_ticks and state != "Z" and self.boot == _boot_id()

    def send(self, signum: int) -> None:
        """Signal this very process; one that has ended is no error.

        A pidfd closes the gap between "is it still the same?" and the signal.
        """
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if self.is_alive():
                    signal.pidfd_send_signal(descriptor, signum)
            finally:
                os.close(descriptor)


def _stat(pid: int) -> tuple[int, str]:
    """Start ticks and state letter of a process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessLookupError(pid) from error
    # The second field is the command in brackets, which may hold anything.
    fields = text.rpartition(")")[2].split()
    return int(fields[19]), fields[0]


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    output: int | IO[bytes] | None = None,
    pass_fds: Collection[int] = (),
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, with nothing on its stdin.

    `output` takes both its stdout and its stderr; `options` are Popen's.
    """
    return subprocess.Popen(
        [str(part) for part in argv],
        env=None if env is None else dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
        **options,
    )


def session_members(session: int) -> list[ProcessId]:
    """The processes of a session, zombies left out."""
    return [process for process in _all() if _session_of(process) == session]


def descendants(pid: int) -> list[ProcessId]:
    """Children, their children and so on, as long as their parents live."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(pid).children(recursive=True)
        return list(_identify(child.pid for child in children))
    return []


def _all() -> Iterator[ProcessId]:
    return _identify(psutil.pids())


def _identify(pids: Iterable[int]) -> Iterator[ProcessId]:
    for pid in pids:
        with suppress(ProcessLookupError):
            process = ProcessId.of(pid)
            if process.is_alive():
                yield process


def _session_of(process: ProcessId) -> int | None:
    with suppress(ProcessLookupError):
        return os.getsid(process.pid)
    return None


def end(processes: Iterable[ProcessId], *, grace_s: float) -> None:
    """SIGTERM, up to `grace_s` seconds of patience, then SIGKILL; waits for the end."""
    rest = list(processes)
    for process in rest:
        process.send(signal.SIGTERM)
    rest = _still_alive_after(rest, grace_s)
    for process in rest:
        process.send(signal.SIGKILL)
    # Only a process stuck in the kernel (a dead NFS server) outlives SIGKILL.
    _still_alive_after(rest, 5)


def end_session(session: int, *, grace_s: float) -> None:
    """End every process of a session, those it starts meanwhile included."""
    end(session_members(session), grace_s=grace_s)
    while late := session_members(session):
        for process in late:
            process.send(signal.SIGKILL)
        if _still_alive_after(late, 5):
            return


def _still_alive_after(processes: list[ProcessId], wait_s: float) -> list[ProcessId]:
    deadline = time.monotonic() + wait_s
    while rest := [process for process in processes if process.is_alive()]:
        if time.monotonic() >= deadline:
            return rest
        time.sleep(POLL_S)
    return []


def die_with_parent(parent: int, signum: int = signal.SIGTERM) -> None:
    """Ask the kernel for a signal to this process when its parent ends (prctl(2)).

    To be called in a forked child; `parent` is the pid it was forked from, which
    may be gone already.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)


def raise_cancelled_on_sigterm() -> None:
    """Turn the first SIGTERM into Cancelled; later ones don't disturb the clean-up."""

    def cancel(_signum: int, _frame: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Cancelled(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, cancel)
