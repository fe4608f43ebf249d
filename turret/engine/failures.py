"""Why a task failed: from its exit code and the last words of its `.command.err`."""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import Path

from turret.engine.causes import (
    DISK_FULL,
    EXITS,
    GPU_MEMORY,
    MEMORY,
    MENTIONED,
    PYTHON,
    S3,
    SAID,
    SIGNALS,
    Cause,
)
from turret.engine.tails import Untold, read_tail
from turret.words import ErrorAction

# The words that say why come last; more of them only cost time.
TAIL_BYTES = 16 << 10
_SHELL_SIGNALS = range(129, 193)
# What a scheduler or a person ends a job with, in states of sacct(1).
_ENDED = frozenset({"CANCELLED", "PREEMPTED", "TIMEOUT", "NODE_FAIL", "DEADLINE"})
_KILLED, _TERMINATED = 137, 143
_MISSING = re.compile(
    r"(?<![^\s:])([^\s:]{1,255}): (?:command )?not found"
    r"|exec: \"?([^\s:\"]{1,255})\"?:"
)
_WENT_ON = {
    ErrorAction.RETRY: "Nextflow has tried it again.",
    ErrorAction.IGNORE: "Nextflow went on without it.",
    ErrorAction.FINISH: "Nextflow let the running tasks end and then stopped the run.",
    ErrorAction.TERMINATE: "Nextflow stopped the run.",
}


def cause_of(
    exit: int | None,  # noqa: A002 - the word of Nextflow and of our columns
    error_action: ErrorAction | str | None,
    tail: str,
) -> Cause:
    """Why a task failed, in plain words.

    `tail` is the end of its `.command.err` or of the run's error report; only the
    last 16 KiB count. What programs say of memory, time and disk wins over the exit
    code, and that over all else they say: who is killed may complain of anything.
    """
    tail = tail[-TAIL_BYTES:]
    cause = _cause(exit, tail)
    try:
        went_on = _WENT_ON[ErrorAction((error_action or "").lower())]
    except ValueError:
        return cause
    return Cause(cause.code, cause.words, f"{cause.hint} {went_on}".strip())


def _cause(exit_status: int | None, tail: str) -> Cause:
    for pattern, cause in SAID:
        if pattern.search(tail):
            return cause
    if known := EXITS.get(exit_status) if exit_status is not None else None:
        return _with_program(known, tail)
    for pattern, cause in MENTIONED:
        if pattern.search(tail):
            return cause
    if exit_status is not None and exit_status in _SHELL_SIGNALS:
        return _signalled(exit_status - 128)
    if PYTHON.search(tail):
        return Cause("python_error", _exception(tail), "The program's own error.")
    if exit_status is None:
        return Cause(
            "unknown",
            "Nobody knows its exit code: it was killed, or its node went away.",
            "The scheduler's record of the job may say more.",
        )
    if exit_status == 0:
        return Cause(
            "refused",
            "Its script ended well, but Nextflow did not accept the result.",
            "The run's error report says what it missed.",
        )
    return Cause(
        "exit",
        f"Its script ended with exit code {exit_status}.",
        "What it means, the program's manual says; its last words are below.",
    )


def _with_program(cause: Cause, tail: str) -> Cause:
    """A missing command, named if the shell has named it."""
    found = _MISSING.search(tail) if cause.code == "missing_command" else None
    if found is None:
        return cause
    name = found[1] or found[2]
    return Cause(cause.code, f"The command {name} was not found.", cause.hint)


def _signalled(number: int) -> Cause:
    name, hint = SIGNALS.get(number, (f"signal {number}", ""))
    return Cause("signal", f"It was killed by {name}.", hint)


def _exception(tail: str) -> str:
    """The last line of a traceback: "ValueError: no such column"."""
    lines = tail[tail.rfind("Traceback (most recent call last)") :].splitlines()
    raised = next((line for line in lines[1:] if line[:1].strip()), "")
    return f"Python raised {raised[:200]}" if raised else "Python raised an exception."


def classify_task_failure(
    work_dir: str | PathLike[str], exit_code: int | str | None, slurm_state: str = ""
) -> str:
    """`sigterm, oom_gpu, oom_host, disk_full, s3_error, python_error, exit_N` or
    `unknown`: what a task in `work_dir` failed of.

    From the tail of `.command.err`, the exit code and SLURM's state of its job
    (sacct, as in "CANCELLED by 1000"), in the order of their certainty.
    """
    tail = _last_words(work_dir)
    state = slurm_state.split(" ")[0].rstrip("+").upper()
    status = _number(exit_code)
    for pattern, word in (
        (GPU_MEMORY, "oom_gpu"),
        (DISK_FULL, "disk_full"),
        (MEMORY, "oom_host"),
    ):
        if pattern.search(tail):
            return word
    if state == "OUT_OF_MEMORY" or status == _KILLED:
        return "oom_host"
    if state in _ENDED or status == _TERMINATED:
        return "sigterm"
    if S3.search(tail):
        return "s3_error"
    if PYTHON.search(tail):
        return "python_error"
    return f"exit_{status}" if status else "unknown"


def _number(exit_code: int | str | None) -> int | None:
    try:
        return int(exit_code) if exit_code is not None else None
    except ValueError:
        return None


def _last_words(work_dir: str | PathLike[str]) -> str:
    directory = fspath(work_dir)
    try:
        found = read_tail(directory, ".command.err", Path(directory), TAIL_BYTES)
    except (Untold, ValueError):
        return ""
    return found.text
