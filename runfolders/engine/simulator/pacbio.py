"""What a PacBio Revio writes for two cells; a "cycle" here is a piece of a movie."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from .plan import EndsAs, Plan, Script, Write
from .values import DIGITS, generator, pick

_USUAL_PIECES = 20
_CELLS = ("1_A01", "1_B01")
_METADATA = """<?xml version="1.0" encoding="utf-8"?>
<PacBioDataModel xmlns="http://pacificbiosciences.com/PacBioDataModel.xsd">
  <CollectionMetadata InstrumentId="84901" InstrumentName="Simulated Revio">
    <WellSample Name="{sample}"/>
    <CellPac Barcode="{barcode}"/>
  </CollectionMetadata>
</PacBioDataModel>
"""


def script(plan: Plan) -> Script:
    chance = generator(plan.seed)
    began = plan.started_at.astimezone(dt.UTC)
    movies = {
        cell: f"m84901_{began:%y%m%d_%H%M%S}_s{number}"
        for number, cell in enumerate(_CELLS, start=1)
    }
    barcodes = {cell: f"EA{pick(chance, DIGITS, 6)}" for cell in _CELLS}
    pieces = plan.cycles or _USUAL_PIECES

    def opening() -> Iterator[Write]:
        for cell, movie in movies.items():
            yield Write(f"{cell}/metadata/Transfer_Test_{began:%y%m%d_%H%M%S}.txt")
            text = _METADATA.format(sample=f"Sample {cell}", barcode=barcodes[cell])
            yield Write(f"{cell}/metadata/{movie}.metadata.xml", text.encode())

    def cycle(number: int) -> Iterator[Write]:
        # One cell after the other, as on an instrument with one camera.
        cell = _CELLS[(number - 1) * len(_CELLS) // pieces]
        path = f"{cell}/hifi_reads/{movies[cell]}.hifi_reads.bam"
        yield Write(path, b"reads " * 100, grows=True)

    def closing(_done: int, ends_as: EndsAs) -> Iterator[Write]:
        lost = _CELLS[-1] if ends_as is EndsAs.FAIL else ""
        for cell, movie in movies.items():
            if cell != lost:
                path = f"{cell}/metadata/{movie}.transferdone"
                yield Write(path, b"nfiles: 2\n")

    return Script(
        name=plan.name or f"r84901_{began:%Y%m%d_%H%M%S}",
        cycles=pieces,
        opening=tuple(opening()),
        cycle=cycle,
        closing=closing,
    )
