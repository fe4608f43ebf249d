"""Short calls of gpg: what goes in and comes out fits in memory, and they end.

Answers are read from gpg's status lines (doc/DETAILS of GnuPG, "[GNUPG:] WORD
..."), which share stderr with its messages for people. The exit code alone says
too little: gpg 2.2 ends with 0 on a message that was cut off within its first
packets.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from archiving.engine.gpg.agents import end_processes
from archiving.errors import Code, Trouble

LIMIT_S = 60.0
# Nothing else of ours is gpg's business: GNUPGHOME, GPG_TTY or DISPLAY would
# lead it to the keys, the terminal or the desktop of whoever started us.
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Outcome:
    returncode: int
    output: bytes
    messages: str  # stderr, status lines included


def environment() -> dict[str, str]:
    """The environment of every gpg process."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8"}


def argv(home: Path, *options: str) -> list[str]:
    """A command line of gpg that asks nobody anything; status lines on stderr."""
    return [
        *("gpg", "--batch", "--no-tty", "--quiet", "--homedir", str(home)),
        *("--status-fd", "2", "--trust-model", "always", "--pinentry-mode", "error"),
        *options,
    ]


def run(
    home: Path, options: Iterable[str], content: bytes, *, limit_s: float = LIMIT_S
) -> Outcome:
    """One gpg that reads `content` on its stdin.

    Raises Trouble: AGENT_HUNG when it takes longer than `limit_s` seconds (it and
    the agents of `home` are ended then), PROGRAM_MISSING.
    """
    try:
        return finish(argv(home, *options), content, limit_s=limit_s)
    except subprocess.TimeoutExpired as error:
        end_processes(home)
        raise Trouble(
            Code.AGENT_HUNG,
            f"gpg gave no answer within {limit_s:g} s and was ended",
            "It tries again by itself; if it keeps happening, look whether the disk "
            "that holds archiving.gnupg_home answers.",
        ) from error


def finish(command: Sequence[str], content: bytes, *, limit_s: float) -> Outcome:
    """Run to the end, in a process group of its own that never outlives the call.

    Raises subprocess.TimeoutExpired, Trouble(PROGRAM_MISSING).
    """
    try:
        process = subprocess.Popen(
            command,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
    except FileNotFoundError as error:
        raise program_missing(command[0]) from error
    try:
        output, messages = process.communicate(content, timeout=limit_s)
    except BaseException:
        # Also when we are cancelled: nothing is left behind us.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()
    return Outcome(process.returncode, output, messages.decode(errors="replace"))


def program_missing(program: str) -> Trouble:
    return Trouble(
        Code.PROGRAM_MISSING,
        f"{program} is not on the PATH",
        "Install it: apt install gnupg",
    )
