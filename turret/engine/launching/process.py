"""The process of a launch on this host: started, found again, ended (Linux)."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from seqhub.lib import processes
from seqhub.lib.files import PRIVATE
from seqhub.lib.processes import ProcessId
from turret.engine.launching.files import LaunchFiles

# In the environment of all that a launch's script starts: the launch's id.
MARK = "SEQHUB_LAUNCH"
SPAWN_S = 5
# Of the small files of a launch.
_MOST_BYTES = 200


@dataclass(frozen=True, slots=True)
class Sight:
    """What the files of a launch say of it."""

    has_begun: bool
    script: ProcessId | None
    exit_code: int | None


class NotStarted(Exception):
    """The script could not be started; the message says why."""


def spawn(files: LaunchFiles, env: Mapping[str, str]) -> None:
    """Start the script in a session of its own, as nobody's child: whoever starts it
    may be killed with all children. Raises NotStarted, OSError.

    That it has begun is seen from its files.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = 0o640 if _is_shared(files) else PRIVATE
    output = os.open(files.output, flags, mode)
    try:
        # setsid leaves at once; the shell goes on as its orphan.
        done = subprocess.run(
            ["setsid", "--fork", "/bin/bash", str(files.script)],
            env=dict(env),
            cwd=files.directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            timeout=SPAWN_S,
        )
    except subprocess.TimeoutExpired:
        raise NotStarted(f"setsid did not answer for {SPAWN_S} s") from None
    finally:
        os.close(output)
    if done.returncode:
        raise NotStarted(f"setsid ended with exit code {done.returncode}")


def make_directory(files: LaunchFiles) -> None:
    """Our user's alone; or to be read by a group, where the directory of all launches
    passes its own on (set-group-ID). Raises OSError."""
    files.directory.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o750 if _is_shared(files) else 0o700
    files.directory.mkdir(mode=mode, exist_ok=True)


def _is_shared(files: LaunchFiles) -> bool:
    return bool(files.directory.parent.stat().st_mode & stat.S_ISGID)


def see(files: LaunchFiles) -> Sight:
    """Raises OSError."""
    # In this order: what is written later is read first.
    exit_code = read_exit_code(files)
    script = read_process(files)
    return Sight(files.claim.is_dir(), script, exit_code)


def claim(files: LaunchFiles) -> bool:
    """Take the place of the script, so that it does not begin; False if it has begun.
    May be repeated. Raises OSError.
    """
    make_directory(files)
    try:
        # The script makes a directory: the two are told apart.
        files.claim.symlink_to("nobody")
    except FileExistsError:
        return files.claim.is_symlink()
    return True


def reclaim(files: LaunchFiles) -> bool:
    """Let the script begin, also where somebody has taken its place; False if it has
    begun. Raises OSError."""
    if files.claim.is_dir():
        return False
    files.claim.unlink(missing_ok=True)
    return True


def read_process(files: LaunchFiles) -> ProcessId | None:
    """Who the script is; None before it has said so. Raises OSError."""
    words = _read(files.process).split()
    if len(words) != 3 or not (words[0].isdecimal() and words[1].isdecimal()):
        return None
    return ProcessId(int(words[0]), int(words[1]), words[2])


def read_exit_code(files: LaunchFiles) -> int | None:
    """What Nextflow ended with; None before the end. Raises OSError."""
    text = _read(files.exit_code).strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    """The beginning of a small file; empty if it is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        return os.read(descriptor, _MOST_BYTES).decode("ascii", "replace")
    finally:
        os.close(descriptor)


def stop(files: LaunchFiles, script: ProcessId) -> None:
    """Ask Nextflow to end itself and its tasks."""
    # The script passes it on, and to Nextflow alone.
    there = [script] if script.is_alive() else _heads(files, script)
    for process in there:
        process.send(signal.SIGTERM)


def kill(files: LaunchFiles, script: ProcessId) -> None:
    """End all that still runs of it, tasks included."""
    for process in _members(files, script):
        process.send(signal.SIGKILL)


def is_running(files: LaunchFiles, script: ProcessId) -> bool:
    """Whether the script runs, or at least Nextflow. Tasks alone are no run."""
    return script.is_alive() or bool(_heads(files, script))


def _heads(files: LaunchFiles, script: ProcessId) -> list[ProcessId]:
    """Nextflow itself, which has its log's path on its command line."""
    found = []
    for process in _members(files, script):
        with suppress(psutil.Error, OSError):
            if str(files.nextflow_log) in psutil.Process(process.pid).cmdline():
                found.append(process)
    return found


def _members(files: LaunchFiles, script: ProcessId) -> list[ProcessId]:
    """The script and all of its session that still runs; empty after a reboot."""
    if script.boot != ProcessId.current().boot:
        return []
    if script.is_alive():
        return processes.session_members(script.pid)
    with suppress(ProcessLookupError):
        # While a session lives, no process gets its number.
        if ProcessId.of(script.pid).start_ticks != script.start_ticks:
            return []
    return [
        process
        for process in processes.session_members(script.pid)
        if _is_marked(process, files.directory.name)
    ]


def _is_marked(process: ProcessId, launch_id: str) -> bool:
    """Whether a session without its leader is still ours: another may have got its
    number since."""
    with suppress(psutil.Error, OSError):
        return psutil.Process(process.pid).environ().get(MARK) == launch_id
    return False
