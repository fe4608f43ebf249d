"""Why launches wait or end, in words for people."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping

from seqhub.lib.files import is_disk_full
from seqhub.lib.patience import TimedOut
from turret.engine.launching.tail import tail
from turret.models import Launch
from turret.services.launching.plans import files_of, on_disk
from turret.services.launching.states import Reason

TIME_LIMIT = "time_limit"
SILENT_DISK = "disk_silent"
_LINES = 200
_LONGEST = 1000
_OF_JAVA = re.compile(
    r"Cannot find Java|NXF_JAVA_HOME|UnsupportedClassVersionError|Unrecognized option"
    r"|Could not create the Java Virtual Machine|JAVA_HOME"
    r"|\bjava: (?:(?:command )?not found|No such file)",
)
_ERROR = re.compile(r"^(?:ERROR ~ |ERROR: )(?P<what>.*)$", re.MULTILINE)
_CAUSE = re.compile(r"^Caused by:\n\s*(?P<cause>\S.*)$", re.MULTILINE)
_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f]+")
_LOG = "Look at its log"


def of_exit(launch: Launch, exit_code: int) -> Reason:
    """Of a launch whose Nextflow has failed; what it printed last tells most."""
    files = files_of(launch)
    try:
        printed = on_disk(launch, tail, files.output, lines=_LINES)
        has_run = on_disk(launch, files.nextflow_log.exists)
    except (OSError, TimedOut):
        printed, has_run = "", False
    told = _told(printed)
    ending = f"Nextflow ended with exit code {exit_code}"
    if not has_run and _OF_JAVA.search(printed):
        return Reason(
            "wrong_java",
            f"Nextflow has not found a Java that it can use: {told or ending}.",
            "Install the Java that this Nextflow needs, or set JAVA_HOME for SeqHub,"
            " then launch it again.",
        )
    if exit_code in (126, 127):
        return Reason(
            "no_nextflow",
            f"Nextflow could not be run: {told or ending}.",
            "Correct turret.launcher.nextflow, or that of the compute environment.",
        )
    if exit_code > 128:
        return Reason(
            "killed",
            f"{ending}: signal {exit_code - 128} ended it.",
            f"{_LOG}; somebody else has stopped it, or the memory was short.",
        )
    return Reason(
        "nextflow_failed",
        f"{ending}{f': {told}' if told else ''}.",
        f"{_LOG}, mend what it tells, and resume it.",
    )


def of_time_limit(launch: Launch) -> Reason:
    limit_s = launch.max_run_time_s or 0
    return Reason(
        TIME_LIMIT,
        f"It has run for longer than its limit of {limit_s:,} s, and is stopped.",
        "Resume it with a longer limit.",
    )


def of_disk(error: OSError) -> Reason:
    """Its files could not be written."""
    if is_disk_full(error):
        return Reason(
            "disk_full",
            f"There is no space left for its files: {error}.",
            "Make room, then launch it again.",
        )
    return Reason(
        "not_writable",
        f"Its files can't be written: {error}.",
        "Mend the directory or its permissions, then launch it again.",
    )


def of_program(nextflow: str, env: Mapping[str, str]) -> Reason | None:
    """None if the program is there."""
    if shutil.which(nextflow, path=env.get("PATH", "")):
        return None
    where = "there" if "/" in nextflow else "on PATH"
    return Reason(
        "no_nextflow",
        f"There is no program {nextflow} {where} on this host.",
        "Install Nextflow, or set turret.launcher.nextflow to where it lies; then"
        " launch it again.",
    )


def of_silent_disk(error: TimedOut) -> Reason:
    return Reason(
        SILENT_DISK,
        f"{error}; it is tried again.",
        "Look at that mount on the launch's host: a file server may be away.",
    )


def of_no_slurm(error: Exception) -> Reason:
    return Reason(
        "no_slurm",
        f"It can't be given to SLURM from this host: {error}.",
        "Install SLURM's commands here, put them on SeqHub's PATH, or choose another"
        " host in the compute environment; then launch it again.",
    )


def of_lost(*, rebooted: bool = False, told: str = "") -> Reason:
    if rebooted:
        message = "The host was started anew while Nextflow ran."
    elif told:
        message = told
    else:
        message = "Nextflow is gone and has left no exit code: it was killed."
    return Reason("lost", message, "Resume it: what was done is not computed again.")


def of_gone_files(launch: Launch) -> Reason:
    return Reason(
        "lost",
        f"Nextflow has ended, and its files in {launch.directory} are gone: nobody"
        " knows how.",
        "Launch it anew.",
    )


def of_gone_directory(path: str) -> Reason:
    return Reason(
        "launch_dir_gone",
        f"The launch directory {path} is not there any more.",
        "Launch it anew: what it could go on with is gone.",
    )


def _told(printed: str) -> str:
    """The error that Nextflow, or else the last line that anybody, has printed."""
    if errors := list(_ERROR.finditer(printed)):
        last = errors[-1]
        cause = _CAUSE.search(printed, last.end())
        what = last["what"] + (f": {cause['cause']}" if cause else "")
    else:
        lines = [line.strip() for line in printed.splitlines() if line.strip()]
        what = lines[-1] if lines else ""
    # It is also shown on terminals.
    return _CONTROL.sub(" ", what).strip().rstrip(".")[:_LONGEST]
