"""A sequencer in small: writes a run folder as an instrument does, in its order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from seqhub.lib.files import write_atomic

from . import element, illumina, ont, pacbio
from .plan import EndsAs, Plan, Script, Step, Write

INSTRUMENTS: dict[str, Callable[[Plan], Script]] = {
    **dict.fromkeys(illumina.MODELS, illumina.script),
    "element": element.script,
    "ont": ont.script,
    "pacbio": pacbio.script,
}

# How much of the run is done before it ends otherwise than planned.
_SHARE = {EndsAs.OK: 1.0, EndsAs.EARLY: 0.6, EndsAs.FAIL: 0.4, EndsAs.STALL: 0.5}


def simulate(
    plan: Plan, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Step]:
    """Write the run; the first step comes when its folder has been made.

    Takes about `plan.seconds`, and may be left at any step: what is there then is
    what an instrument leaves that is switched off. Raises FileExistsError if the
    folder is there, and OSError.
    """
    script = INSTRUMENTS[plan.instrument](plan)
    folder = plan.directory / script.name
    folder.mkdir()
    done = max(1, round(script.cycles * _SHARE[plan.ends_as]))
    closing = () if plan.ends_as is EndsAs.STALL else script.closing(done, plan.ends_as)
    last = tuple(closing)
    pause = plan.seconds / (done + len(last))
    disk = _Disk(folder, plan.drop)

    def step(message: str, cycle: int) -> Step:
        return Step(folder, message, cycle, script.cycles)

    yield step(f"{script.cycles} cycles planned", 0)
    for write in script.opening:
        disk.put(write)
    yield step("started", 0)
    for number in range(1, done + 1):
        sleep(pause)
        for write in script.cycle(number):
            disk.put(write)
        yield step(f"cycle {number} of {script.cycles}", number)
    for write in last:
        sleep(pause)
        disk.put(write)
        yield step(write.path, done)
    if plan.drop and not disk.dropped:
        yield step(f"no file is called {plan.drop}: nothing was dropped", done)
    yield step("stalled" if plan.ends_as is EndsAs.STALL else "ended", done)


class _Disk:
    """The run folder; leaves out what must never arrive."""

    def __init__(self, folder: Path, drop: str) -> None:
        self._folder = folder
        self._drop = drop.lower()
        self.dropped = False

    def put(self, write: Write) -> None:
        path = self._folder / write.path
        name = PurePosixPath(write.path).name.lower()
        if self._drop and fnmatch(name, self._drop):
            self.dropped = True
        elif write.path.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        elif write.grows:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(write.content)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, write.content, mode=0o644)
