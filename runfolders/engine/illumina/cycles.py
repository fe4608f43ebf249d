"""How many cycles are done: from InterOp, else from the per-cycle directories."""

from __future__ import annotations

import os
import re
import struct
from bisect import bisect_left
from math import ceil
from pathlib import Path

from runfolders.engine.facts import Listing, RunFacts, Unreadable
from runfolders.engine.files import entries, open_regular
from runfolders.engine.xml import integer

# Key of RunFacts.extra: tiles that are imaged in each cycle.
TILES_PER_CYCLE = "tiles_per_cycle"

_EXTRACTION = Path("InterOp", "ExtractionMetricsOut.bin")
# One of them has an entry a cycle.
_DIRECTORIES = (
    Path("InterOp"),
    Path("Data", "Intensities", "BaseCalls", "L001"),
)
_ENDED = ("RTAComplete.txt", "RTAComplete.xml")
_CYCLE = re.compile(r"C([0-9]{1,4})\.1|([0-9]{4})\.bcl\.bgzf")
# L001 of a NovaSeq also holds one filter file for each of thousands of tiles.
_MAX_ENTRIES = 50_000


def count_cycles(listing: Listing, facts: RunFacts) -> int | None:
    """Cycles that are done, at most all of them; None if the folder shows none.

    Never raises, and reads a handful of bytes however large the run is. Once base
    calling has ended each cycle counts of which there is a trace: a tile's record
    that was lost is no cycle that was not sequenced.
    """
    total = facts.total_cycles
    if not total:
        return None
    tiles = integer(facts.extra.get(TILES_PER_CYCLE))
    records = _extraction_records(listing.path / _EXTRACTION) if tiles else None
    has_ended = any(listing.file(name) for name in _ENDED)
    if tiles and records and not has_ended:
        # Each tile has one record a cycle. Records are in no order of cycles,
        # so the highest cycle seen would say too much.
        return min(records // tiles, total)
    of_records = ceil(records / tiles) if tiles and records else 0
    directories = (listing.path / directory for directory in _DIRECTORIES)
    in_directories = (_per_cycle_entries(path, total) for path in directories)
    if done := max(of_records, *in_directories):
        return min(done, total)
    return None if records is None else 0


def _extraction_records(path: Path) -> int | None:
    """Whole records in ExtractionMetricsOut.bin, versions 2 and 3; None if not."""
    try:
        with open_regular(path) as file:
            descriptor = file.fileno()
            size = os.fstat(descriptor).st_size
            header = os.pread(descriptor, 3, 0)
            if len(header) < 3:
                return None
            version, length = header[0], header[1]
            start = {2: 2, 3: 3}.get(version)
            if start is None or length < 6:
                return None
            whole = (size - start) // length

            def is_unwritten(record: int) -> bool:
                lane = os.pread(descriptor, 2, start + record * length)
                return len(lane) < 2 or struct.unpack("<H", lane)[0] == 0

            if whole and not is_unwritten(whole - 1):
                return whole
            # A preallocated copy ends in zeros; no record has lane 0.
            return bisect_left(range(whole), x=True, key=is_unwritten)
    except (OSError, Unreadable):
        return None


def _per_cycle_entries(directory: Path, total: int) -> int:
    """How many of the run's cycles have an entry in the directory."""
    matches = (
        _CYCLE.fullmatch(entry.name) for entry in entries(directory, _MAX_ENTRIES)
    )
    cycles = {int(match[1] or match[2]) for match in matches if match}
    return len(cycles & set(range(1, total + 1)))
