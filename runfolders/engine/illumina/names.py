"""Directory names: `<date>_<instrument>_<number>_<side?><flow cell>[_<text>]`.

Only a hint: RunInfo.xml is the truth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import instruments

_NAME = re.compile(
    r"(?P<date>[0-9]{6}|[0-9]{8})"
    r"_(?P<instrument>[A-Za-z0-9-]+(?:_RUO)?)"
    r"_(?P<number>[0-9]{1,5})"
    r"_(?P<position>[A-Za-z0-9-]+)"
    r"(?:_(?P<text>.*))?",
    re.DOTALL,
)
_EARLY_MISEQ = re.compile(r"A[0-9]{9}-.+")
# These write an A before the flow cell though they hold only one.
_CONSTANT_A = ("NextSeq 5", "MiniSeq", "MiSeq i100")


@dataclass(frozen=True, slots=True)
class RunName:
    """The parts of a run's name; None where the name does not say."""

    date: str  # yyMMdd or yyyyMMdd
    instrument_id: str
    run_number: int
    side: str | None  # "A" or "B", only for models that hold two flow cells
    flow_cell: str | None
    cartridge: str | None = None  # MiSeq i100: dry cartridge
    text: str = ""  # what people added


def parse_name(name: str, model: str | None = None) -> RunName | None:
    """Take a name apart; None if it is not a name that Illumina gives.

    `model` is what the XML says; without it the instrument id decides whether
    a leading letter is a side, means nothing, or belongs to the flow cell.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    instrument_id = match["instrument"]
    if model is None and (known := instruments.by_instrument_id(instrument_id)):
        model = known.label
    side, serial = _split_side(match["position"], model)
    is_i100 = (model or "").startswith("MiSeq i100")
    return RunName(
        date=match["date"],
        instrument_id=instrument_id,
        run_number=int(match["number"]),
        side=side,
        flow_cell=None if is_i100 else serial,
        cartridge=serial if is_i100 else None,
        text=match["text"] or "",
    )


def _split_side(position: str, model: str | None) -> tuple[str | None, str | None]:
    """Side, and serial number of the flow cell (or cartridge)."""
    if position in {"A", "B"}:
        # A site's own style: the flow cell is somewhere in the text.
        return (position if instruments.has_sides(model) else None), None
    letter, rest = position[0], position[1:]
    if instruments.has_sides(model) and letter in "AB":
        return letter, rest
    if (model or "").startswith(_CONSTANT_A) and letter == "A":
        return None, rest
    if model == "MiSeq" and _EARLY_MISEQ.fullmatch(position):
        return None, rest
    return None, position
