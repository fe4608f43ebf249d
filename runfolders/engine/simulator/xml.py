"""The XML files of Illumina instruments, as short as a reader of them allows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template

from .plan import EndsAs

STATUS = "RunCompletionStatus.xml"

_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'

MISEQ = """<RunParameters>
  <RunParametersVersion>MiSeq_1_3</RunParametersVersion>
  <FlowcellRFIDTag><SerialNumber>$flow_cell</SerialNumber></FlowcellRFIDTag>
  <ReagentKitRFIDTag><SerialNumber>MS9000001-300V2</SerialNumber></ReagentKitRFIDTag>
  <Setup>
    <ApplicationVersion>4.0.0.1769</ApplicationVersion>
    <ApplicationName>MiSeq Control Software</ApplicationName>
  </Setup>
  <RunID>$run_id</RunID>
  <ScannerID>$instrument</ScannerID>
  <RunNumber>$number</RunNumber>
  <MCSVersion>4.0.0.1769</MCSVersion>
  <RTAVersion>1.18.54.4</RTAVersion>
  <ReagentKitVersion>Version2</ReagentKitVersion>
  <ReagentKitBarcode>MS9000001-300V2</ReagentKitBarcode>
  <ExperimentName>Simulated run</ExperimentName>
  <Chemistry>Amplicon</Chemistry>
  <RunStartDate>$date</RunStartDate>
</RunParameters>
"""
NOVASEQ_6000 = """<RunParameters>
  <Side>A</Side>
  <PlannedRead1Cycles>$read1</PlannedRead1Cycles>
  <PlannedRead2Cycles>$read2</PlannedRead2Cycles>
  <PlannedIndex1ReadCycles>$index1</PlannedIndex1ReadCycles>
  <PlannedIndex2ReadCycles>$index2</PlannedIndex2ReadCycles>
  <RunNumber>$number</RunNumber>
  <RtaVersion>v3.4.4</RtaVersion>
  <ExperimentName>Simulated run</ExperimentName>
  <RfidsInfo>
    <FlowCellSerialBarcode>$flow_cell</FlowCellSerialBarcode>
    <FlowCellMode>S1</FlowCellMode>
    <LibraryTubeSerialBarcode>NV9000001-LIB</LibraryTubeSerialBarcode>
    <SbsSerialBarcode>NV9000001-RGSBS</SbsSerialBarcode>
    <SbsConsumableVersion>3</SbsConsumableVersion>
  </RfidsInfo>
  <RunStartDate>$date</RunStartDate>
  <RunId>$run_id</RunId>
  <InstrumentName>$instrument</InstrumentName>
  <Application>NovaSeq Control Software</Application>
  <ApplicationVersion>1.8.0</ApplicationVersion>
  <WorkflowType>NovaSeqStandard</WorkflowType>
</RunParameters>
"""
NEXTSEQ_2000 = """<RunParameters>
  <ApplicationName>NextSeq 1000/2000 Control Software</ApplicationName>
  <ApplicationVersion>1.5.0.42699</ApplicationVersion>
  <InstrumentSerialNumber>$instrument</InstrumentSerialNumber>
  <InstrumentType>NextSeq2000</InstrumentType>
  <RunCounter>$number</RunCounter>
  <RtaVersion>3.10.30</RtaVersion>
  <ExperimentName>Simulated run</ExperimentName>
  <FlowCellSerialNumber>$flow_cell</FlowCellSerialNumber>
  <FlowCellMode>NextSeq 1000/2000 P3 Flow Cell Cartridge</FlowCellMode>
  <CartridgeSerialNumber>EC9000001-EC03</CartridgeSerialNumber>
  <PlannedCycles>
    <Read1>$read1</Read1><Index1>$index1</Index1>
    <Index2>$index2</Index2><Read2>$read2</Read2>
  </PlannedCycles>
  <OutputFolder>/runs/$run_id</OutputFolder>
  <RunStartTime>$started</RunStartTime>
  <RunEndTime>$ended</RunEndTime>
  <CompletedCycleCount>$done</CompletedCycleCount>
</RunParameters>
"""
NOVASEQ_X = """<RunParameters>
  <Application>NovaSeqXSeries Control Software</Application>
  <SystemSuiteVersion>1.2.0.28691</SystemSuiteVersion>
  <InstrumentType>NovaSeqXPlus</InstrumentType>
  <InstrumentSerialNumber>$instrument</InstrumentSerialNumber>
  <RunId>$run_id</RunId>
  <RunCounter>$number</RunCounter>
  <Side>A</Side>
  <ExperimentName>Simulated run</ExperimentName>
  <FlowCellType>10B</FlowCellType>
  <ConsumableInfo>
    <ConsumableInfo>
      <SerialNumber>$flow_cell</SerialNumber><Type>FlowCell</Type><Name>10B</Name>
    </ConsumableInfo>
    <ConsumableInfo>
      <SerialNumber>LC9000001-LC1</SerialNumber><Type>Reagent</Type>
    </ConsumableInfo>
    <ConsumableInfo>
      <SerialNumber>LT9000001-LT1</SerialNumber><Type>SampleTube</Type>
    </ConsumableInfo>
  </ConsumableInfo>
  <PlannedReads>
    <Read ReadName="Read1" Cycles="$read1"/><Read ReadName="Index1" Cycles="$index1"/>
    <Read ReadName="Index2" Cycles="$index2"/><Read ReadName="Read2" Cycles="$read2"/>
  </PlannedReads>
</RunParameters>
"""

# RunCompletionStatus.xml: the word, and the text of the error.
_WORDS = {
    ("completion", EndsAs.OK): ("CompletedAsPlanned", ""),
    ("completion", EndsAs.EARLY): ("UserEndedEarly", ""),
    ("completion", EndsAs.FAIL): ("ExceptionEndedEarly", "Simulated: no focus."),
    ("run", EndsAs.OK): ("RunCompleted", ""),
    ("run", EndsAs.EARLY): ("RunCompleted", ""),
    ("run", EndsAs.FAIL): ("RunErrored", "Simulated: no focus."),
}


def run_info(
    *,
    version: int,
    run_id: str,
    number: int,
    flow_cell: str,
    instrument: str,
    date: str,
    reads: Sequence[tuple[bool, int]],
    layout: tuple[int, int, int, int],
    tiles: Sequence[tuple[int, int]],
) -> bytes:
    """RunInfo.xml; `reads` are (is index, cycles), `tiles` (lane, number)."""
    lanes, surfaces, swaths, count = layout
    names = "".join(f"<Tile>{lane}_{tile}</Tile>" for lane, tile in tiles)
    side = ' FlowcellSide="1"' if version == 5 else ""
    tile_set = (
        f'<TileSet TileNamingConvention="FourDigit"><Tiles>{names}</Tiles></TileSet>'
    )
    return (
        f'{_HEAD}<RunInfo Version="{version}">\n'
        f'  <Run Id="{escape(run_id)}" Number="{number}">\n'
        f"    <Flowcell>{flow_cell}</Flowcell>\n"
        f"    <Instrument>{instrument}</Instrument>\n"
        f"    <Date>{date}</Date>\n"
        f"    <Reads>\n{_reads(version, reads)}    </Reads>\n"
        f'    <FlowcellLayout LaneCount="{lanes}" SurfaceCount="{surfaces}"'
        f' SwathCount="{swaths}" TileCount="{count}"{side}>\n'
        f"      {tile_set if version > 2 else ''}\n"
        f"    </FlowcellLayout>\n  </Run>\n</RunInfo>\n"
    ).encode()


def run_parameters(
    template: str, *, cycles: tuple[int, int, int, int], **values: str | int
) -> bytes:
    """RunParameters.xml; `cycles` of read 1, index 1, index 2, read 2."""
    names = ("read1", "index1", "index2", "read2")
    lengths = dict(zip(names, cycles, strict=True))
    texts = {key: escape(str(value)) for key, value in (lengths | values).items()}
    return (_HEAD + Template(template).substitute(texts)).encode()


def completion_status(
    dialect: str,
    run_id: str,
    ends_as: EndsAs,
    reads: Sequence[tuple[bool, int]],
    done: int,
) -> bytes:
    """RunCompletionStatus.xml, in one of its two dialects, after `done` cycles."""
    word, error = _WORDS[dialect, ends_as]
    if dialect == "completion":
        inner = (
            f"  <CompletionStatus>{word}</CompletionStatus>\n"
            f"  <RunId>{escape(run_id)}</RunId>\n"
            f"  <ErrorDescription>{error or 'None'}</ErrorDescription>\n"
        )
    else:
        problem = f"<Type>Hardware</Type><Message>{error}</Message>" if error else ""
        inner = (
            f"  <RunId>{escape(run_id)}</RunId>\n"
            f"  <RunStatus>{word}</RunStatus>\n"
            f"  <RunError>{problem}</RunError>\n"
            f"  <CompletedReads>{_completed(reads, done)}</CompletedReads>\n"
        )
    root = "RunCompletionStatus"
    return f"{_HEAD}<{root}>\n{inner}</{root}>\n".encode()


def _completed(reads: Sequence[tuple[bool, int]], done: int) -> str:
    parts = []
    for number, (_, length) in enumerate(reads, start=1):
        here = min(length, done)
        done -= here
        parts.append(f'<Read ReadName="Read{number}" Cycles="{here}"/>')
    return "".join(parts)


def _reads(version: int, reads: Sequence[tuple[bool, int]]) -> str:
    lines = []
    for number, (is_index, cycles) in enumerate(reads, start=1):
        flag = "Y" if is_index else "N"
        reverse = "Y" if is_index and number == 3 else "N"
        more = f' IsReverseComplement="{reverse}"' if version >= 6 else ""
        lines.append(
            f'      <Read Number="{number}" NumCycles="{cycles}"'
            f' IsIndexedRead="{flag}"{more}/>\n'
        )
    return "".join(lines)
