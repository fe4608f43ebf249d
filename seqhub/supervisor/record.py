"""What runs under this `up`, written down for the next one to clean up after."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil

from seqhub.lib import processes
from seqhub.lib.files import write_atomic
from seqhub.lib.processes import ProcessId

# In the environment of every child of `up`, and so of all that they start.
MARK = "SEQHUB_UP"
# What a worker needs to give its claims back.
GRACE_S = 10


class Record:
    """`<data_dir>/run/up.json`: the leaders of our children's sessions."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "run" / "up.json"
        self.mark = secrets.token_hex(8)

    def write(self, leaders: Iterable[ProcessId]) -> None:
        text = json.dumps(
            {"mark": self.mark, "sessions": [asdict(leader) for leader in leaders]}
        )
        write_atomic(self._path, text.encode())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def end_leftovers(self) -> list[int]:
        """End what a killed `up` has left running; returns the sessions ended.

        Whole sessions, so tar and gpg under a worker go with it, while Nextflow,
        which leads a session of its own, goes on.
        """
        ended = []
        for leader, mark in self._read():
            if leader.is_alive() or _is_marked(leader, mark):
                processes.end_session(leader.pid, grace_s=GRACE_S)
                ended.append(leader.pid)
        self.remove()
        return ended

    def _read(self) -> list[tuple[ProcessId, str]]:
        # A file that can't be understood names nothing that could be ended.
        with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            found = json.loads(self._path.read_text())
            mark = str(found["mark"])
            return [(ProcessId(**entry), mark) for entry in found["sessions"]]
        return []


def _is_marked(leader: ProcessId, mark: str) -> bool:
    """Whether the session without its leader is still ours: the number may have
    been given to another session since."""
    if leader.boot != ProcessId.current().boot:
        return False
    for member in processes.session_members(leader.pid):
        with suppress(psutil.Error, OSError):
            if psutil.Process(member.pid).environ().get(MARK) == mark:
                return True
    return False
