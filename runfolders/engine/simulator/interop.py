"""ExtractionMetricsOut.bin, versions 2 and 3: one record a tile and cycle."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

# Lane, tile, cycle, focus of four channels, intensity of four, time (.NET ticks).
_V2 = struct.Struct("<3H4f4HQ")
# Lane, tile, cycle, focus of two channels, intensity of two.
_V3 = struct.Struct("<HIH2f2H")


def extraction_header(version: int) -> bytes:
    return bytes((2, _V2.size)) if version == 2 else bytes((3, _V3.size, 2))


def extraction_records(
    version: int, tiles: Iterable[tuple[int, int]], cycle: int, chance: random.Random
) -> bytes:
    """The records of one cycle; each tile is (lane, number)."""
    channels = 4 if version == 2 else 2
    records = bytearray()
    for lane, tile in tiles:
        focus = [chance.uniform(1.8, 2.6) for _ in range(channels)]
        # The signal fades from cycle to cycle.
        bright = 400 * 0.998**cycle
        intensity = [int(bright * chance.uniform(0.9, 1.1)) for _ in range(channels)]
        if version == 2:
            records += _V2.pack(lane, tile, cycle, *focus, *intensity, 0)
        else:
            records += _V3.pack(lane, tile, cycle, *focus, *intensity)
    return bytes(records)
