"""Processes that work in a gpg home: gpg itself, gpg-agent and their like."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from seqhub.lib import processes

GRACE_S = 1.0


def processes_of(home: Path) -> list[processes.ProcessId]:
    """Those whose command line names `home`, which must be a name of its own.

    An agent is no child of ours: it leaves the group and session of the gpg that
    started it, so that only its command line tells whose it is.
    """
    found = []
    for process in psutil.process_iter():
        # ProcessLookupError: it ended between the two looks.
        with suppress(psutil.Error, ProcessLookupError):
            named = any(str(home) in part for part in process.cmdline())
            if named and process.pid != os.getpid():
                found.append(processes.ProcessId.of(process.pid))
    return found


def end_processes(home: Path) -> None:
    """End them all; a stopped (SIGSTOP) or deaf one is killed."""
    processes.end(processes_of(home), grace_s=GRACE_S)
