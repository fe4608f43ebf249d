"""Run folders on disk, and a host that watches them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from django.conf import LazySettings
from pytest_django import Settings

from runfolders.conf import MonitoredDirectory, RunfoldersSection

NOVASEQ = "240131_A00834_0183_BHMTFYDRXX"
NEXTSEQ_2000 = "240131_VH00384_146_AACCHKLHV"
MISEQ = "230825_M04034_0043_000000000-L6NVV"
HISEQ_4000 = "170726_K00118_0303_BCB1TVBBXX"


def run_info(run_id: str, *, cycles: tuple[int, ...] = (36, 10)) -> str:
    """A small RunInfo.xml; instrument and flow cell from the run id."""
    parts = run_id.split("_")
    reads = "".join(
        f'<Read Number="{number}" NumCycles="{count}" IsIndexedRead="N"/>'
        for number, count in enumerate(cycles, start=1)
    )
    return (
        f'<RunInfo Version="5"><Run Id="{run_id}" Number="1">'
        f"<Flowcell>{parts[-1]}</Flowcell><Instrument>{parts[1]}</Instrument>"
        f"<Date>6/24/2020 4:30:24 PM</Date><Reads>{reads}</Reads>"
        '<FlowcellLayout LaneCount="1" SurfaceCount="1" SwathCount="1" '
        'TileCount="2"/></Run></RunInfo>'
    )


def make_run(
    parent: Path, name: str = NOVASEQ, *, markers: tuple[str, ...] = (), **files: str
) -> Path:
    """A run folder with a RunInfo.xml and empty markers; `files` add to them, with
    `_` for the last dot of their names."""
    folder = parent / name
    folder.mkdir(parents=True)
    (folder / "RunInfo.xml").write_text(run_info(name))
    (folder / "Data").mkdir()
    for marker in markers:
        (folder / marker).touch()
    for file, content in files.items():
        stem, _, suffix = file.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(content)
    return folder


def set_cycles_done(folder: Path, done: int) -> None:
    """Directories as an instrument makes them, one a cycle."""
    for cycle in range(1, done + 1):
        (folder / "InterOp" / f"C{cycle}.1").mkdir(parents=True, exist_ok=True)


def age(folder: Path, seconds: float = 60) -> None:
    """Make a folder and its files older, so that looking at it is not racy."""
    then = time.time() - seconds
    for path in [*folder.iterdir(), folder]:
        if path.exists():
            os.utime(path, (then, then))


def watch(
    settings: Settings | LazySettings, *paths: Path, depth: int = 1, **section: Any
) -> RunfoldersSection:
    """Make the host of the tests watch `paths`; `section` is of `runfolders:`."""
    roots = [MonitoredDirectory(path=path, depth=depth) for path in paths]
    runfolders = RunfoldersSection(monitored_directories=roots, **section)
    settings.CONFIG = settings.CONFIG.model_copy(update={"runfolders": runfolders})
    return runfolders
