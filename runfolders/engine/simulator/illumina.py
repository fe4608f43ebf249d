"""What Illumina instruments write: MiSeq, NovaSeq 6000 and X, NextSeq 2000.

How a run that did not go to its end looks: a MiSeq's and a NovaSeq 6000's
RunCompletionStatus.xml says UserEndedEarly or ExceptionEndedEarly (the latter
instrument is taken to write it only then); the others' says RunErrored, and knows no
word for a run that a person ended: it only has fewer cycles than planned.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from . import interop, xml
from .plan import EndsAs, Plan, Script, Write
from .values import DIGITS, LETTERS, generator, pick, sample_indexes, split_cycles


@dataclass(frozen=True, slots=True)
class Model:
    """How one model names and writes; layouts are a small part of the real ones."""

    instrument: str
    name: str  # {date}, {number}, {flow_cell}
    date: str  # in the name, for strftime
    flow_cell: str  # each ? is invented
    run_info_version: int
    layout: tuple[int, int, int, int]  # lanes, surfaces, swaths, tiles a swath
    cycles: tuple[int, int, int, int]  # read 1, index 1, index 2, read 2
    extraction_version: int
    parameters: str  # a template of xml.py
    status: str  # dialect of RunCompletionStatus.xml, "completion" or "run"
    interop_per_cycle: bool
    sheet_version: int
    markers: tuple[str, ...]  # in order; xml.STATUS is RunCompletionStatus.xml


_MARKERS = ("RTAComplete.txt", xml.STATUS, "CopyComplete.txt")

MODELS: Mapping[str, Model] = {
    "miseq": Model(
        instrument="M09001",
        name="{date}_M09001_{number:04}_{flow_cell}",
        date="%y%m%d",
        flow_cell="000000000-L????",
        run_info_version=2,
        layout=(1, 1, 1, 2),
        cycles=(151, 8, 8, 151),
        extraction_version=2,
        parameters=xml.MISEQ,
        status="completion",
        interop_per_cycle=False,
        sheet_version=1,
        markers=(
            "ImageAnalysis_Netcopy_complete.txt",
            "Basecalling_Netcopy_complete.txt",
            "RTAComplete.txt",
            "QueuedForAnalysis.txt",
            xml.STATUS,
            "CopyComplete.txt",
        ),
    ),
    "novaseq6000": Model(
        instrument="A09001",
        name="{date}_A09001_{number:04}_A{flow_cell}",
        date="%y%m%d",
        flow_cell="H????DRXX",
        run_info_version=5,
        layout=(2, 2, 2, 4),
        cycles=(151, 10, 10, 151),
        extraction_version=3,
        parameters=xml.NOVASEQ_6000,
        status="completion",
        interop_per_cycle=True,
        sheet_version=2,
        markers=(
            "RTAComplete.txt",
            "SequenceComplete.txt",
            xml.STATUS,
            "CopyComplete.txt",
        ),
    ),
    "nextseq2000": Model(
        instrument="VH09001",
        name="{date}_VH09001_{number}_{flow_cell}",
        date="%y%m%d",
        flow_cell="AA????HHV",
        run_info_version=6,
        layout=(1, 2, 2, 4),
        cycles=(151, 10, 10, 151),
        extraction_version=3,
        parameters=xml.NEXTSEQ_2000,
        status="run",
        interop_per_cycle=True,
        sheet_version=2,
        markers=_MARKERS,
    ),
    "novaseqx": Model(
        instrument="LH09001",
        name="{date}_LH09001_{number:04}_A{flow_cell}",
        date="%Y%m%d",
        flow_cell="22????LT3",
        run_info_version=6,
        layout=(2, 2, 2, 4),
        cycles=(151, 10, 10, 151),
        extraction_version=3,
        parameters=xml.NOVASEQ_X,
        status="run",
        interop_per_cycle=True,
        sheet_version=2,
        markers=_MARKERS,
    ),
}


def script(plan: Plan) -> Script:
    model = MODELS[plan.instrument]
    return _Run(plan, model).script()


class _Run:
    """One run of one model: its names, and what it writes at each moment."""

    def __init__(self, plan: Plan, model: Model) -> None:
        self._plan = plan
        self._model = model
        self._chance = generator(plan.seed)
        self._number = self._chance.randint(1, 9999)
        self._flow_cell = self._invent(model.flow_cell)
        self._name = plan.name or model.name.format(
            date=plan.started_at.strftime(model.date),
            number=self._number,
            flow_cell=self._flow_cell,
        )
        self._lengths = split_cycles(plan.cycles, model.cycles)
        lanes, surfaces, swaths, tiles = (range(1, n + 1) for n in model.layout)
        self._tiles = [
            (lane, 1000 * surface + 100 * swath + tile)
            for lane, surface, swath, tile in product(lanes, surfaces, swaths, tiles)
        ]

    def script(self) -> Script:
        return Script(
            name=self._name,
            cycles=sum(self._lengths),
            opening=tuple(self._opening()),
            cycle=self._cycle,
            closing=self._closing,
        )

    def _opening(self) -> Iterator[Write]:
        yield Write("RunInfo.xml", self._run_info())
        yield Write("RunParameters.xml", self._parameters())
        yield Write("SampleSheet.csv", self._sample_sheet())
        header = interop.extraction_header(self._model.extraction_version)
        yield Write("InterOp/ExtractionMetricsOut.bin", header, grows=True)

    def _cycle(self, number: int) -> Iterator[Write]:
        version = self._model.extraction_version
        for lane in range(1, self._model.layout[0] + 1):
            directory = f"Data/Intensities/BaseCalls/L{lane:03}/C{number}.1"
            yield Write(f"{directory}/L{lane:03}_1.cbcl", b"base calls")
        records = interop.extraction_records(version, self._tiles, number, self._chance)
        if self._model.interop_per_cycle:
            header = interop.extraction_header(version)
            path = f"InterOp/C{number}.1/ExtractionMetricsOut.bin"
            yield Write(path, header + records)
        yield Write("InterOp/ExtractionMetricsOut.bin", records, grows=True)
        if self._plan.instrument == "miseq":
            yield from self._read_markers(number)

    def _read_markers(self, cycle: int) -> Iterator[Write]:
        last = 0
        for read, (_, length) in enumerate(self._reads(), start=1):
            last += length
            if cycle == last:
                for task in ("ImageAnalysis", "Basecalling"):
                    name = f"{task}_Netcopy_complete_Read{read}.txt"
                    yield Write(name, b"Illumina RTA 1.18.54\n")

    def _closing(self, done: int, ends_as: EndsAs) -> Iterator[Write]:
        if self._plan.instrument == "nextseq2000":
            # It writes its end into the file that it began with.
            yield Write("RunParameters.xml", self._parameters(done))
        for name in self._model.markers:
            if name != xml.STATUS:
                yield Write(name)
            elif self._plan.instrument != "novaseq6000" or ends_as is not EndsAs.OK:
                status = xml.completion_status(
                    self._model.status, self._name, ends_as, self._reads(), done
                )
                yield Write(name, status)

    def _reads(self) -> list[tuple[bool, int]]:
        """(is index, cycles) in order; reads without cycles are not there."""
        kinds = zip((False, True, True, False), self._lengths, strict=True)
        return [(is_index, length) for is_index, length in kinds if length]

    def _run_info(self) -> bytes:
        version, began = self._model.run_info_version, self._plan.started_at
        date = {
            2: f"{began:%y%m%d}",
            5: f"{began:%-m/%-d/%Y %-I:%M:%S %p}",
            6: f"{began.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        }[version]
        return xml.run_info(
            version=version,
            run_id=self._name,
            number=self._number,
            flow_cell=self._flow_cell,
            instrument=self._model.instrument,
            date=date,
            reads=self._reads(),
            layout=self._model.layout,
            tiles=self._tiles,
        )

    def _parameters(self, done: int | None = None) -> bytes:
        began = self._plan.started_at
        ended = began + dt.timedelta(seconds=self._plan.seconds)
        return xml.run_parameters(
            self._model.parameters,
            run_id=self._name,
            instrument=self._model.instrument,
            number=self._number,
            flow_cell=self._flow_cell,
            cycles=self._lengths,
            date=f"{began:%y%m%d}",
            started=began.isoformat(),
            ended="" if done is None else ended.isoformat(),
            done="" if done is None else str(done),
        )

    def _invent(self, pattern: str) -> str:
        return re.sub(r"\?", lambda _: pick(self._chance, LETTERS + DIGITS, 1), pattern)

    def _sample_sheet(self) -> bytes:
        read1, index1, index2, read2 = self._lengths
        first = sample_indexes(self._chance, 4, index1)
        second = sample_indexes(self._chance, 4, index2)
        rows = [
            f"Sample_{n},{one},{two},Demo"
            for n, (one, two) in enumerate(zip(first, second, strict=True), start=1)
        ]
        if self._model.sheet_version == 1:
            lines = _sheet_v1(rows, (read1, read2))
        else:
            lines = _sheet_v2(rows, self._lengths)
        return ("\r\n".join(lines) + "\r\n").encode()


def _sheet_v1(rows: Sequence[str], reads: Sequence[int]) -> list[str]:
    return [
        "[Header]",
        "IEMFileVersion,5",
        "Experiment Name,Simulated run",
        "[Reads]",
        *(str(length) for length in reads if length),
        "[Settings]",
        "Adapter,CTGTCTCTTATACACATCT",
        "[Data]",
        "Sample_ID,index,index2,Sample_Project",
        *rows,
    ]


def _sheet_v2(rows: Sequence[str], lengths: Sequence[int]) -> list[str]:
    names = ("Read1Cycles", "Index1Cycles", "Index2Cycles", "Read2Cycles")
    return [
        "[Header]",
        "FileFormatVersion,2",
        "RunName,Simulated run",
        "[Reads]",
        *(f"{name},{n}" for name, n in zip(names, lengths, strict=True) if n),
        "[BCLConvert_Settings]",
        "SoftwareVersion,4.2.7",
        "[BCLConvert_Data]",
        "Sample_ID,Index,Index2,Sample_Project",
        *rows,
    ]
