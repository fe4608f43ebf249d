"""Metadata of a run folder, from all of its files together."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from runfolders.engine import listing as engine_listing
from runfolders.engine.facts import RunFacts, Unreadable
from runfolders.engine.illumina import markers
from runfolders.engine.illumina.reader import READER

from .listings import MISEQ, NOVASEQ, list_folder, make_folder, run_info

SAMPLES = Path(__file__).parents[1] / "data" / "runparameters"
ENTRIES = json.loads((SAMPLES / "index.json").read_text())["entries"]
PLAIN = "170101_A00001_0001_AHXXXXXXXX"


def read(folder: Path) -> RunFacts:
    return READER.read(list_folder(folder))


def codes(facts: RunFacts) -> list[str]:
    return [problem.code for problem in facts.problems]


def parameters(body: str) -> str:
    return f"<RunParameters>{body}</RunParameters>"


def read_parameters(folder: Path, body: str) -> RunFacts:
    return read(make_folder(folder, RunParameters_xml=parameters(body)))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["name"])
def test_it_reads_what_real_files_say(tmp_path: Path, entry: dict[str, Any]) -> None:
    expected = entry["expected"]
    folder = make_folder(tmp_path / (expected["run_id"] or "unnamed"))
    if name := entry["run_parameters_file"]:
        content = (SAMPLES / name).read_bytes()
        (folder / entry["original_parameters_name"]).write_bytes(content)
    if name := entry["run_info_file"]:
        (folder / "RunInfo.xml").write_bytes((SAMPLES / name).read_bytes())
    facts = read(folder)
    found = {
        "run_id": facts.run_id,
        "instrument_id": facts.instrument_id,
        "run_number": facts.run_number,
        "flowcell_id": facts.flow_cell,
        "side": facts.side,
        "reagent_barcode": facts.reagent_kit,
        "library_tube_barcode": facts.library_tube,
    }
    assert found == {key: expected[key] for key in found}
    assert "run_id_mismatch" not in codes(facts)
    if expected["run_info"]:
        assert run_info_of(facts) == expected["run_info"]
    else:
        assert facts.reads == ()


def run_info_of(facts: RunFacts) -> dict[str, Any]:
    return {
        "run_info_version": facts.extra.get("run_info_version"),
        "date_raw": facts.date_raw,
        "read_structure": facts.read_structure,
        "reads": [
            {
                "number": read.number,
                "cycles": read.cycles,
                "is_index": read.is_index,
                "is_reverse_complement": read.is_reverse_complement,
            }
            for read in facts.reads
        ],
        "total_cycles": facts.total_cycles,
        "lane_count": facts.lanes,
    }


def test_it_reads_a_whole_miseq_folder() -> None:
    facts = read(MISEQ)
    assert facts.instrument_model == "MiSeq"
    assert facts.software == "MiSeq Control Software 4.0.0.1769"
    assert facts.rta_version == "1.18.54.4"
    assert facts.experiment_name == "Pillar MultiCancer DNA RNA 25AUG2023"
    assert facts.reagent_kit_barcode == "MS3500199-300V2"
    assert facts.chemistry == "Amplicon"
    assert facts.library_tube is None
    assert facts.extra["pr2_bottle"] == "MS7903868-00PR2"
    assert (facts.read_structure, facts.total_cycles) == ("151-8-8-151", 318)
    assert facts.problems == ()
    content = (MISEQ / "RunInfo.xml").read_bytes()
    assert facts.digest == hashlib.sha256(content).hexdigest()


def test_it_reads_a_whole_novaseq_folder_and_tells_that_its_name_is_wrong() -> None:
    facts = read(NOVASEQ)
    assert facts.run_id == "200624_A00834_0183_BHMTFYDRXX"
    assert facts.instrument_model == "NovaSeq 6000"
    assert (facts.flow_cell, facts.side) == ("HMTFYDRXX", "B")
    assert facts.library_tube == "NV0217945-LIB"
    assert facts.reagent_kit == "NV2862904-RGSBS"
    assert facts.reagent_kit_barcode is None
    assert facts.flow_cell_mode == "SP"
    assert facts.software == "NovaSeq Control Software 1.6.0"
    assert (facts.read_structure, facts.total_cycles) == ("36-10-10", 56)
    assert codes(facts) == ["run_id_mismatch"]
    assert "BHMTFYTINY" in facts.problems[0].message
    assert "BHMTFYDRXX" in facts.problems[0].message


def test_empty_run_parameters_say_nothing(tmp_path: Path) -> None:
    facts = read_parameters(tmp_path / "run", "")
    assert facts == RunFacts(platform="illumina")


CONSUMABLES = {
    "SampleTube": "LC1-LIB",
    "Reagent": "LC2-RGT",
    "Buffer": "LC3-BUF",
    "FlowCell": "22F52TLT3",
    "Lyo": "LC4-LYO",
}


@pytest.mark.parametrize(
    "kinds",
    [
        (),
        *((kind,) for kind in CONSUMABLES),
        ("SampleTube", "Reagent"),
        *itertools.islice(itertools.permutations(CONSUMABLES), 0, None, 17),
    ],
    ids="-".join,
)
def test_consumables_are_found_in_any_number_and_order(
    tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    elements = "".join(
        f"<ConsumableInfo><SerialNumber>{CONSUMABLES[kind]}</SerialNumber>"
        f"<Type>{kind}</Type></ConsumableInfo>"
        for kind in kinds
    )
    body = f"<ConsumableInfo>{elements}</ConsumableInfo>"
    facts = read_parameters(tmp_path / "run", body)
    wanted = {
        kind: CONSUMABLES[kind] if kind in kinds else None for kind in CONSUMABLES
    }
    assert facts.library_tube == wanted["SampleTube"]
    assert facts.reagent_kit == wanted["Reagent"]
    assert facts.flow_cell == wanted["FlowCell"]
    assert facts.extra.get("buffer_kit") == wanted["Buffer"]


@pytest.mark.parametrize(
    ("names", "mode"),
    [
        ("<Mode>10B</Mode>", "10B"),
        ("<Mode>3</Mode><Name>10B</Name>", "10B"),
        ("<Mode>3</Mode>", "NovaSeqXSeriesB3"),
    ],
)
def test_it_reads_a_novaseq_x(tmp_path: Path, names: str, mode: str) -> None:
    run_id = "20231108_LH00188_0028_B22F52TLT3"
    body = f"""<Side>B</Side><Application>control-software</Application>
      <SystemSuiteVersion>1.1.0</SystemSuiteVersion><RunId>{run_id}</RunId>
      <InstrumentType>NovaSeqXPlus</InstrumentType><RunCounter>28</RunCounter>
      <InstrumentSerialNumber>LH00188</InstrumentSerialNumber>
      <RecipeName>10B Sequencing</RecipeName>
      <FlowCellType>NovaSeqXSeriesB3</FlowCellType>
      <ConsumableInfo><ConsumableInfo><SerialNumber>22F52TLT3</SerialNumber>
      <Type>FlowCell</Type>{names}</ConsumableInfo></ConsumableInfo>"""
    facts = read_parameters(tmp_path / run_id, body)
    assert facts.instrument_model == "NovaSeq X Plus"
    assert (facts.run_number, facts.side, facts.flow_cell) == (28, "B", "22F52TLT3")
    assert facts.software == "control-software 1.1.0"
    assert (facts.chemistry, facts.flow_cell_mode) == ("10B Sequencing", mode)
    assert facts.problems == ()


def test_it_reads_a_miseq_i100(tmp_path: Path) -> None:
    run_id = "20260312_SH01140_0005_ASC2177698-SC3"
    body = f"""<Application>MiSeqi100Series Control Software</Application>
      <InstrumentType>MiSeqi100Plus</InstrumentType><RunId>{run_id}</RunId>
      <InstrumentSerialNumber>SH01140</InstrumentSerialNumber>
      <ConsumableInfo><ConsumableInfo><SerialNumber>SC2177698-SC3</SerialNumber>
      <Type>DryCartridge</Type></ConsumableInfo><ConsumableInfo>
      <SerialNumber>BXA66715-2010</SerialNumber><Type>FlowCell_1</Type>
      </ConsumableInfo></ConsumableInfo>"""
    facts = read_parameters(tmp_path / run_id, body)
    assert facts.instrument_model == "MiSeq i100 Plus"
    assert facts.reagent_kit == "SC2177698-SC3"
    assert (facts.flow_cell, facts.side) == ("BXA66715-2010", None)


@pytest.mark.parametrize(
    "folder",
    [
        r"\\nas\runs\240131_VH00384_146_AACCHKLHV" + "\\",
        "/x/240131_VH00384_146_AACCHKLHV",
    ],
)
def test_nextseq_2000_names_its_run_by_its_output_folder(
    tmp_path: Path, folder: str
) -> None:
    body = f"""<OutputFolder>{folder}</OutputFolder><RunCounter>146</RunCounter>
      <InstrumentSerialNumber>VH00384</InstrumentSerialNumber>
      <ApplicationName>NextSeq 1000/2000 Control Software</ApplicationName>
      <RecipeName>P3</RecipeName><CartridgeSerialNumber>EC0-EC05</CartridgeSerialNumber>
      <FlowCellSerialNumber>AACCHKLHV</FlowCellSerialNumber>
      <RunStartTime>2024-01-31T10:00:00Z</RunStartTime>"""
    facts = read_parameters(tmp_path / "240131_VH00384_146_AACCHKLHV", body)
    assert facts.run_id == "240131_VH00384_146_AACCHKLHV"
    assert facts.instrument_model == "NextSeq 2000"
    assert (facts.flow_cell, facts.side) == ("AACCHKLHV", None)
    assert (facts.reagent_kit, facts.chemistry) == ("EC0-EC05", None)
    assert facts.started_at is not None
    assert facts.started_at.isoformat() == "2024-01-31T10:00:00+00:00"
    assert facts.problems == ()


@pytest.mark.parametrize(("word", "side"), [("Left", "A"), ("Right", "B"), ("A", "A")])
def test_early_novaseq_sides_are_left_and_right(
    tmp_path: Path, word: str, side: str
) -> None:
    assert read_parameters(tmp_path / "run", f"<Side>{word}</Side>").side == side


def test_run_info_wins_over_run_parameters(tmp_path: Path) -> None:
    body = (
        "<RunId>170101_A00002_0002_BHYYYYYYYY</RunId><RunNumber>2</RunNumber>"
        "<InstrumentName>A00002</InstrumentName>"
    )
    rest = "<Instrument>A00001</Instrument><Flowcell>HXXXXXXXX</Flowcell>"
    folder = make_folder(
        tmp_path / PLAIN,
        RunInfo_xml=run_info(rest=rest),
        RunParameters_xml=parameters(body),
    )
    facts = read(folder)
    assert (facts.run_id, facts.run_number) == (PLAIN, 1)
    assert (facts.instrument_id, facts.flow_cell) == ("A00001", "HXXXXXXXX")
    assert codes(facts) == ["run_parameters_mismatch"]


def test_name_of_the_run_fills_what_the_files_leave_out(tmp_path: Path) -> None:
    document = run_info().replace(' Number="1">', ">", 1)
    facts = read(make_folder(tmp_path / PLAIN, RunInfo_xml=document))
    assert (facts.instrument_id, facts.run_number) == ("A00001", 1)
    assert (facts.flow_cell, facts.side) == ("HXXXXXXXX", "A")
    assert facts.instrument_model == "NovaSeq 6000"


@pytest.mark.parametrize(
    "name", ["taca-fake-hiseq", "taca-fake-miseq", "taca-fake-nextseq"]
)
def test_model_that_contradicts_the_id_is_a_problem(tmp_path: Path, name: str) -> None:
    content = (SAMPLES / f"{name}.RunParameters.xml").read_bytes()
    run_id = "150424_ST-E00214_0031_BH2WY7CCXX"
    facts = read(make_folder(tmp_path / run_id, RunParameters_xml=content))
    assert codes(facts) == ["instrument_model_mismatch"]
    assert "HiSeq X" in facts.problems[0].message


@pytest.mark.parametrize("content", [b"", b"\0" * 900, b"<RunParameters><a>", b"<x/>"])
def test_broken_run_parameters_are_a_problem_only(
    tmp_path: Path, content: bytes
) -> None:
    folder = make_folder(
        tmp_path / PLAIN, RunInfo_xml=run_info(), RunParameters_xml=content
    )
    facts = read(folder)
    assert facts.total_cycles == 10
    assert facts.experiment_name is None
    assert codes(facts) == ["run_parameters_unreadable"]


def test_broken_run_parameters_alone_are_unreadable(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / PLAIN, RunParameters_xml=b"")
    with pytest.raises(Unreadable, match=r"RunParameters\.xml is empty"):
        read(folder)


@pytest.mark.parametrize("content", [b"", b"\0" * 682, b"<RunInfo><Run Id='1'>"])
def test_broken_run_info_is_unreadable_until_it_is_whole(
    tmp_path: Path, content: bytes
) -> None:
    folder = make_folder(
        tmp_path / PLAIN, RunInfo_xml=content, RunParameters_xml=parameters("")
    )
    with pytest.raises(Unreadable, match=r"RunInfo\.xml"):
        read(folder)
    (folder / "RunInfo.xml").write_text(run_info())
    assert read(folder).run_id == PLAIN


def test_run_info_that_goes_away_meanwhile_is_unreadable(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / PLAIN, RunInfo_xml=run_info())
    listing = list_folder(folder)
    (folder / "RunInfo.xml").unlink()
    with pytest.raises(Unreadable, match="No such file or directory"):
        READER.read(listing)
    os.mkfifo(folder / "RunInfo.xml")
    with pytest.raises(Unreadable, match="not a regular file"):
        READER.read(listing)


def test_of_two_run_parameters_the_modern_spelling_is_read(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / PLAIN,
        RunInfo_xml=run_info(),
        RunParameters_xml=parameters("<ExperimentName>new</ExperimentName>"),
        runParameters_xml=parameters("<ExperimentName>old</ExperimentName>"),
    )
    facts = read(folder)
    assert facts.experiment_name == "new"
    assert codes(facts) == ["two_run_parameters"]


def test_two_names_of_one_file_are_no_problem(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / PLAIN, RunInfo_xml=run_info(), RunParameters_xml=parameters("")
    )
    (folder / "runParameters.xml").hardlink_to(folder / "RunParameters.xml")
    assert codes(read(folder)) == []


def test_names_in_any_letter_case_are_read(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / PLAIN,
        RUNINFO_XML=run_info(),
        runparameters_XML=parameters("<ExperimentName>e</ExperimentName>"),
    )
    facts = read(folder)
    assert (facts.run_id, facts.experiment_name) == (PLAIN, "e")


def test_folder_name_that_is_not_utf8_fits_into_the_problem(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / os.fsdecode(b"r\xe5n"), RunInfo_xml=run_info())
    facts = read(folder)
    assert r"r\xe5n" in facts.problems[0].message
    facts.problems[0].message.encode()


def test_run_without_base_calls_is_told(tmp_path: Path) -> None:
    facts = read_parameters(tmp_path / "run", "<DisableBclCopy>true</DisableBclCopy>")
    assert codes(facts) == ["no_base_calls"]


def test_reads_that_make_no_sense_are_told(tmp_path: Path) -> None:
    document = run_info('<Read Number="1" NumCycles="x"/>')
    facts = read(make_folder(tmp_path / PLAIN, RunInfo_xml=document))
    assert codes(facts) == ["reads_left_out"]


@pytest.mark.parametrize(
    ("name", "is_run"),
    [
        ("RunInfo.xml", True),
        ("RunParameters.xml", True),
        ("runParameters.xml", True),
        ("CopyComplete.txt", False),
        ("SampleSheet.csv", False),
    ],
)
def test_it_claims_folders_with_metadata_only(
    tmp_path: Path, name: str, is_run: bool
) -> None:
    (tmp_path / name).touch()
    assert READER.claims(list_folder(tmp_path)) is is_run


@pytest.mark.parametrize("name", ["RunInfo.xml", "RunParameters.xml"])
def test_metadata_that_is_no_file_is_claimed_and_unreadable(
    tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)
    listing, _ = engine_listing.list_folder(tmp_path, markers.is_watched)
    assert READER.claims(listing)
    with pytest.raises(Unreadable, match=r"is no regular file \(a named pipe\)"):
        READER.read(listing)
