from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId

# Ignores SIGTERM, as do its children: one in its session and one that left for a
# session of its own, as Nextflow does. Prints the three pids.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
child = subprocess.Popen(sleep)
detached = subprocess.Popen(sleep, start_new_session=True)
print(os.getpid(), child.pid, detached.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def python() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start(program: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", program]
        started.append(processes.spawn(argv, output=subprocess.PIPE))
        return started[-1]

    yield start
    for child in started:
        processes.end_session(child.pid, grace_s=0)
        child.communicate()


def _line(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout
    return bytes(child.stdout.readline())


def test_a_reused_number_is_another_process() -> None:
    me = ProcessId.current()
    assert me.is_alive()
    assert not ProcessId(me.pid, me.start_ticks - 1, me.boot).is_alive()
    assert not ProcessId(me.pid, me.start_ticks, "another boot").is_alive()


def test_a_signal_never_reaches_a_later_process_of_the_same_number() -> None:
    me = ProcessId.current()
    ProcessId(me.pid, me.start_ticks - 1, me.boot).send(signal.SIGKILL)


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not ProcessId.of(child.pid).is_alive()
    child.wait()
    with pytest.raises(ProcessLookupError):
        ProcessId.of(child.pid)


def test_a_session_ends_with_all_members_and_nobody_else(
    python: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    leader, child, detached = (
        ProcessId.of(int(pid)) for pid in _line(python(FAMILY)).split()
    )
    assert set(processes.descendants(leader.pid)) == {child, detached}
    assert set(processes.session_members(leader.pid)) == {leader, child}
    processes.end_session(leader.pid, grace_s=0.2)
    assert not leader.is_alive()
    assert not child.is_alive()
    assert detached.is_alive()
    processes.end([detached], grace_s=0)
    assert not detached.is_alive()


def test_a_session_is_found_after_its_leader_died(
    python: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    family = python(FAMILY)
    child, detached = (ProcessId.of(int(pid)) for pid in _line(family).split()[1:])
    family.kill()
    family.wait()
    assert processes.session_members(family.pid) == [child]
    processes.end_session(family.pid, grace_s=0.2)
    processes.end([detached], grace_s=0)
    assert not child.is_alive()


def test_a_child_dies_with_its_parent(tmp_path: Path) -> None:
    program = """
import os, time
from seqhub.lib.processes import die_with_parent
parent = os.getpid()
if not os.fork():
    die_with_parent(parent)
    print(os.getpid(), flush=True)
    time.sleep(60)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE
    ) as parent:
        child = ProcessId.of(int(_line(parent)))
        parent.kill()
        parent.wait()
        # Ends when the last writer is gone, which is the child.
        assert parent.stdout
        assert parent.stdout.read() == b""
    deadline = time.monotonic() + 5
    while child.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not child.is_alive()


def test_a_cancelled_worker_cleans_up_undisturbed(
    python: Callable[[str], subprocess.Popen[bytes]],
) -> None:
    worker = python("""
import os, signal, time
from seqhub.lib.processes import Cancelled, raise_cancelled_on_sigterm
raise_cancelled_on_sigterm()
try:
    print("works", flush=True)
    time.sleep(60)
except Cancelled:
    os.kill(os.getpid(), signal.SIGTERM)
    print("cleaned", flush=True)
    raise
""")
    assert _line(worker) == b"works\n"
    worker.terminate()
    assert _line(worker) == b"cleaned\n"
    assert worker.wait() == 128 + signal.SIGTERM
