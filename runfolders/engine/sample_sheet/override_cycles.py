"""BCL Convert's OverrideCycles: what each cycle of each read is used for.

`Y151;I8N2;N2I8;Y151`, or with the names of the reads `R1:Y151;I1:I8N2;...`:
Y data, I index, U unique molecular identifier, N not used; `*` is the rest.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from runfolders.engine.facts import Read

_PART = re.compile(r"(?:[YIUN](?:[0-9]{1,4}|\*))+", re.I)
_USE = re.compile(r"([YIUN])([0-9]+|\*)", re.I)


def mistake(setting: str, reads: Sequence[Read]) -> str:
    """What is wrong with the setting for these reads, as a clause; "" if nothing."""
    parts, wrong = _parts(setting, reads)
    if wrong:
        return wrong
    for part, read in zip(parts, reads, strict=True):
        if not _PART.fullmatch(part):
            return f"{part[:30]!r} is not a row of Y, I, U or N with a number each"
        cycles = sum(int(count) for _, count in _USE.findall(part) if count != "*")
        if cycles > read.cycles or (cycles < read.cycles and "*" not in part):
            return (
                f"{part[:30]} is {cycles} cycles, read {read.number} has {read.cycles}"
            )
        if not read.is_index and "I" in part.upper():
            return (
                f"{part[:30]} has index cycles, but read {read.number} is no index read"
            )
    return ""


def index_cycles(setting: str, reads: Sequence[Read]) -> list[int] | None:
    """The index cycles that each index read uses; None if the setting is wrong."""
    if mistake(setting, reads):
        return None
    parts, _ = _parts(setting, reads)
    return [
        _uses(part, read.cycles)
        for part, read in zip(parts, reads, strict=True)
        if read.is_index
    ]


def _uses(part: str, cycles: int) -> int:
    uses = _USE.findall(part.upper())
    rest = cycles - sum(int(count) for _, count in uses if count != "*")
    return sum(
        rest if count == "*" else int(count) for letter, count in uses if letter == "I"
    )


def _parts(setting: str, reads: Sequence[Read]) -> tuple[list[str], str]:
    """The parts in the order of the reads, and what is wrong if that can't be."""
    parts = [part.strip() for part in setting.strip(" ;").split(";")]
    if len(parts) != len(reads):
        return [], f"{len(parts)} parts, but the run has {len(reads)} reads"
    if not any(":" in part for part in parts):
        return parts, ""
    named = {
        name.strip().upper(): uses.strip()
        for name, _, uses in (part.partition(":") for part in parts)
    }
    names = _names(reads)
    if set(named) != set(names):
        return [], f"the reads of the run are {', '.join(names)}"
    return [named[name] for name in names], ""


def _names(reads: Sequence[Read]) -> list[str]:
    """R1, I1, I2, R2: counted apart, in the order of the reads."""
    names: list[str] = []
    for read in reads:
        kind = "I" if read.is_index else "R"
        count = sum(name.startswith(kind) for name in names)
        names.append(f"{kind}{count + 1}")
    return names
