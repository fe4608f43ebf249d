"""What a simulated instrument is asked for, and what it then writes when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class EndsAs(StrEnum):
    OK = "ok"
    EARLY = "early"
    FAIL = "fail"
    STALL = "stall"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run to write. The same plan writes the same run."""

    directory: Path  # that the run folder appears in
    instrument: str  # a key of run.INSTRUMENTS
    started_at: dt.datetime  # aware
    seconds: float = 60
    ends_as: EndsAs = EndsAs.OK
    drop: str = ""  # shell pattern of names of files that never arrive
    name: str = ""  # of the run folder; "": as the instrument would call it
    cycles: int | None = None  # of all reads; None: as many as is usual
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Write:
    """One thing that the instrument writes; files appear whole unless they grow."""

    path: str  # below the run folder; a directory's ends with "/"
    content: bytes = b""
    grows: bool = False  # append, what is there stays


@dataclass(frozen=True, slots=True)
class Script:
    """What an instrument writes during a run, in its order."""

    name: str  # of the run folder
    cycles: int
    opening: tuple[Write, ...]
    cycle: Callable[[int], Iterable[Write]]  # 1-based
    # For the cycles that were done and the ending: the markers come last.
    closing: Callable[[int, EndsAs], Iterable[Write]]


@dataclass(frozen=True, slots=True)
class Step:
    """What has just been written."""

    folder: Path
    message: str
    done: int  # cycles
    total: int
