"""Illumina RunInfo.xml, versions 2 to 7 and the ones without a version.

The version is not looked at: what is present is read.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from runfolders.engine.facts import Read, Unreadable
from runfolders.engine.xml import attribute, find, find_all, integer, parse_xml, text

from .dates import parse_date

# Far above any instrument; what is above is a broken or hostile file.
_MAX_CYCLES = 10_000
_MAX_READS = 64
_MAX_TILES = 1_000_000
_SIDES = {"1": "A", "2": "B"}


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What RunInfo.xml says; None where it does not."""

    version: str | None = None
    run_id: str | None = None
    run_number: int | None = None
    instrument_id: str | None = None
    flow_cell: str | None = None
    date_raw: str | None = None
    started_at: dt.datetime | None = None  # naive where the file has no zone
    reads: tuple[Read, ...] = ()  # those with cycles, in the order of sequencing
    reads_left_out: int = 0  # those whose number of cycles makes no sense
    lanes: int | None = None
    tiles: int | None = None  # that are imaged in each cycle
    flow_cell_side: str | None = None  # "A" or "B"


def parse_run_info(data: bytes, name: str = "RunInfo.xml") -> RunInfo:
    """Read RunInfo.xml. Raises Unreadable."""
    root = parse_xml(data, name)
    run = find(root, "Run")
    if root.tag.lower() != "runinfo" or run is None:
        raise Unreadable(f"{name} is not a RunInfo file with a Run in it.")
    elements = find_all(run, "Reads/Read")
    reads, left_out = _reads(elements[:_MAX_READS])
    layout = find(run, "FlowcellLayout")
    date_raw = text(run, "Date")
    return RunInfo(
        version=attribute(root, "Version"),
        run_id=attribute(run, "Id"),
        run_number=integer(attribute(run, "Number")),
        instrument_id=text(run, "Instrument"),
        flow_cell=text(run, "Flowcell"),
        date_raw=date_raw,
        started_at=parse_date(date_raw),
        reads=reads,
        reads_left_out=left_out + len(elements[_MAX_READS:]),
        lanes=integer(attribute(layout, "LaneCount")) or None,
        tiles=_tiles(layout),
        flow_cell_side=_SIDES.get(attribute(layout, "FlowcellSide") or ""),
    )


def _reads(elements: list[Element]) -> tuple[tuple[Read, ...], int]:
    """Reads in order, and how many have no sensible number of cycles."""
    numbers = [integer(attribute(element, "Number")) for element in elements]
    is_numbered = None not in numbers and len(set(numbers)) == len(numbers)
    reads = []
    left_out = 0
    for position, element in enumerate(elements, start=1):
        cycles = _cycles(element)
        if cycles is None:
            left_out += 1
        elif cycles > 0:
            number = numbers[position - 1]
            reads.append(
                Read(
                    number=number if is_numbered and number else position,
                    cycles=cycles,
                    is_index=_flag(element, "IsIndexedRead") is True,
                    is_reverse_complement=_flag(element, "IsReverseComplement"),
                )
            )
    return tuple(sorted(reads, key=lambda read: read.number)), left_out


def _cycles(element: Element) -> int | None:
    cycles = integer(attribute(element, "NumCycles"))
    first = integer(attribute(element, "FirstCycle"))
    last = integer(attribute(element, "LastCycle"))
    if cycles is None and first is not None and last is not None:
        # Ancient HiSeq and GA.
        cycles = last - first + 1
    return cycles if cycles is not None and 0 <= cycles <= _MAX_CYCLES else None


def _flag(element: Element, name: str) -> bool | None:
    return {"Y": True, "N": False}.get((attribute(element, name) or "").upper())


def _tiles(layout: Element | None) -> int | None:
    """Tiles a cycle: the tile list, else the product of the layout.

    The list comes first because flow cells of which only one surface is imaged
    (NovaSeq 6000 SP) still state two.
    """
    if layout is None:
        return None
    listed = len({tile.text for tile in find_all(layout, "TileSet/Tiles/Tile")})
    if listed:
        return listed
    product = integer(attribute(layout, "SectionPerLane")) or 1
    for name in ("LaneCount", "SurfaceCount", "SwathCount", "TileCount"):
        product *= integer(attribute(layout, name)) or 0
    return product if 0 < product <= _MAX_TILES else None
