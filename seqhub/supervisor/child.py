"""One child of `up`: started, watched, restarted, stopped."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from seqhub.supervisor.output import Output

# A child that lived so long was healthy: its next restart is prompt again.
HEALTHY_S = 60
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 60
# What is left of a session whose main process is gone.
REST_GRACE_S = 5


@dataclass
class Child:
    """`next_start_at` is by the monotonic clock. `runs_once`: its end is no accident.
    `patience_s`: how long a graceful stop may take; None: as long as its work."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    pass_fds: Collection[int] = ()
    runs_once: bool = False
    patience_s: float | None = None
    next_start_at: float = 0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    id: ProcessId | None = field(default=None, init=False)
    restarts: int = field(default=0, init=False)
    _started_at: float = field(default=0, init=False)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def is_due(self) -> bool:
        return self.process is None and time.monotonic() >= self.next_start_at

    def start(self, output: Output) -> None:
        self.process = processes.spawn(
            self.argv,
            env=self.env,
            output=subprocess.PIPE,
            pass_fds=self.pass_fds,
        )
        self.id = ProcessId.of(self.process.pid)
        self._started_at = time.monotonic()
        if self.process.stdout:
            output.relay(self.name, self.process.stdout)

    def take_death(self) -> str | None:
        """How it ended, once, if it did; its next start is then planned.

        The rest of its session is ended first: a django-q2 cluster whose main
        process or sentinel is gone goes on consuming tasks without a guard.
        """
        if self.process is None or self.process.poll() is None:
            return None
        lived_s = time.monotonic() - self._started_at
        how = f"{describe(self.process.returncode)} after {lived_s:.0f} s"
        self.end_session(REST_GRACE_S)
        self.restarts = 0 if lived_s >= HEALTHY_S else self.restarts + 1
        if self.runs_once:
            self.next_start_at = float("inf")
        else:
            self.next_start_at = time.monotonic() + self.delay_s
        return how

    @property
    def delay_s(self) -> float:
        if self.restarts == 0:
            return 0
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (self.restarts - 1))

    def send(self, signum: signal.Signals) -> None:
        """To the main process alone: django-q2 hangs when all of its processes
        get the signal."""
        if self.process and self.is_running:
            self.process.send_signal(signum)

    def end_session(self, grace_s: float) -> None:
        if self.process:
            processes.end_session(self.process.pid, grace_s=grace_s)
            self.process.wait()
            self.process = None
            self.id = None


def describe(returncode: int) -> str:
    """A Popen return code in words."""
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"ended with exit code {returncode}"
