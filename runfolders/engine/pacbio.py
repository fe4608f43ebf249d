"""PacBio Sequel II, Revio, Vega: `r<instrument>_<date>_<time>/<plate>_<well>/`.

Source of the format: folders of Revio (metadata in `<cell>/metadata/`) and Sequel II
(`<cell>/.<movie>.metadata.xml`). A run has nothing at its own top level: all is told
by its cells. The instrument nowhere says how a run ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import Element

from runfolders.choices import Platform

from .facts import Ending, Listing, Problem, RunFacts, Unreadable
from .files import entries, modified_at, read_regular, storable
from .platform import PlatformReader
from .values import (
    first_of_shape,
    plain_text,
    sha256,
    time_of_name,
    without_nothings,
)
from .xml import attribute, find, parse_xml

MAX_METADATA_BYTES = 5_000_000
MAX_CELLS = 96  # wells of a plate
MAX_CELLS_READ = 16
MAX_CELL_ENTRIES = 1_000

# A marker that is no file: each cell has its own <movie>.transferdone.
ALL_CELLS_TRANSFERRED = "all cells transferred"

_NAME = re.compile(
    r"(?P<instrument>r[0-9]{5}e?)_(?P<date>[0-9]{8})_(?P<time>[0-9]{6})(?:[._-].*)?",
    re.DOTALL,
)
_CELL = re.compile(r"[0-9]_[A-H][0-9]{2}")
_MODELS = (
    (re.compile(r"r84.*"), "Revio"),
    (re.compile(r"r64.*e"), "Sequel IIe"),
    (re.compile(r"r64.*"), "Sequel II"),
    (re.compile(r"r54.*"), "Sequel"),
)


def claims(listing: Listing) -> bool:
    """A name of PacBio's, or directories that are called like cells."""
    return _NAME.fullmatch(listing.path.name) is not None or bool(_cells(listing))


def watched(name: str) -> bool:
    """What stands at the top level, if anything, is the instrument's own test."""
    return name.startswith("transfer_test_") and name.endswith(".txt")


def read(listing: Listing) -> RunFacts:
    """What the name and the metadata of the cells say. Never raises.

    The metadata of a cell that can't be read is a problem: the next cell's, or the
    next scan's, will do.
    """
    folder = storable(listing.path.name)
    name = _NAME.fullmatch(folder)
    run_id = "_".join(name.group("instrument", "date", "time")) if name else folder
    collections, problems = _read_collections(listing)
    barcodes = {
        cell: attribute(find(found, "CellPac"), "Barcode")
        for cell, found in collections.items()
    }
    samples = [_sample(found) for found in collections.values()]
    flow_cells = without_nothings(barcodes)
    names = [attribute(found, "InstrumentName") for found in collections.values()]
    if run_id != folder:
        message = f"The folder is named {folder}, but its run is {run_id}."
        problems.append(Problem("run_id_mismatch", message))
    return RunFacts(
        platform=Platform.PACBIO,
        run_id=run_id,
        instrument_id=name["instrument"] if name else None,
        instrument_model=first_of_shape(_MODELS, name["instrument"]) if name else None,
        # A run of several cells has no flow cell of its own.
        flow_cell=next(iter(flow_cells.values())) if len(flow_cells) == 1 else None,
        date_raw=f"{name['date']}_{name['time']}" if name else None,
        started_at=time_of_name(name),
        extra=without_nothings(
            {
                "instrument_name": next(filter(None, names), None),
                "cells": ", ".join(sorted(_cells(listing))),
                "cell_barcodes": ", ".join(flow_cells.values()),
                "samples": ", ".join(sample for sample in samples if sample),
            }
        ),
        problems=tuple(problems),
        # No file identifies the run from its first minute on, but the name does.
        digest=sha256(run_id.encode()) if name else "",
    )


def markers(listing: Listing) -> Mapping[str, float]:
    """ALL_CELLS_TRANSFERRED once each cell has its .transferdone; the last one's time.

    A cell that the instrument has not begun is not known here: cells are counted
    by their directories.
    """
    cells = _cells(listing)
    if not cells or len(cells) > MAX_CELLS:
        return {}
    times = [_transferred_at(listing.path / cell) for cell in cells]
    done = [time for time in times if time is not None]
    return {ALL_CELLS_TRANSFERRED: max(done)} if len(done) == len(cells) else {}


def ending(_listing: Listing) -> Ending | None:
    """None: a .transferdone tells of the copy, not of the sequencing."""
    return None


def cycles_done(_listing: Listing, _facts: RunFacts) -> int | None:
    """None: a movie has no cycles."""
    return None


def _cells(listing: Listing) -> frozenset[str]:
    return frozenset(
        directory for directory in listing.directories if _CELL.fullmatch(directory)
    )


def _places(cell: Path) -> tuple[Path, Path]:
    """Where a cell's own files are: Revio and Vega, Sequel II."""
    return cell / "metadata", cell


def _files(cell: Path, suffix: str) -> list[Path]:
    """A cell's files of a suffix, in the first place that has any."""
    for place in _places(cell):
        names = (entry.name for entry in entries(place, MAX_CELL_ENTRIES))
        if found := sorted(name for name in names if name.endswith(suffix)):
            return [place / name for name in found]
    return []


def _transferred_at(cell: Path) -> float | None:
    times = (modified_at(path) for path in _files(cell, ".transferdone"))
    return max((time for time in times if time is not None), default=None)


def _read_collections(listing: Listing) -> tuple[dict[str, Element], list[Problem]]:
    """The first CollectionMetadata of each cell that has one."""
    collections: dict[str, Element] = {}
    problems: list[Problem] = []
    for cell in sorted(_cells(listing))[:MAX_CELLS_READ]:
        for path in _files(listing.path / cell, ".metadata.xml")[:1]:
            try:
                data = read_regular(path, MAX_METADATA_BYTES)
                root = parse_xml(data, f"{cell}/{storable(path.name)}")
            except Unreadable as error:
                problems.append(Problem("cell_metadata_unreadable", str(error)))
                continue
            # At whatever depth: it differs between versions of the software.
            found = next(root.iter("CollectionMetadata"), None)
            if found is not None:
                collections[cell] = found
    return collections, problems


def _sample(collection: Element) -> str | None:
    well = find(collection, "WellSample")
    if well is None:
        return None
    name = find(well, "Name")
    bio_sample = attribute(find(well, "BioSamples/BioSample"), "Name")
    of_well = attribute(well, "Name") or (name.text if name is not None else None)
    return plain_text(bio_sample or of_well)


READER = PlatformReader(
    key=Platform.PACBIO,
    claims=claims,
    watched=watched,
    read=read,
    markers=markers,
    ending=ending,
    cycles_done=cycles_done,
)
