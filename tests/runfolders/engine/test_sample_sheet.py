from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfolders.engine.facts import (
    FileStat,
    Listing,
    Problem,
    Read,
    RunFacts,
    SampleSheet,
)
from runfolders.engine.sample_sheet.checks import check_against_run
from runfolders.engine.sample_sheet.lines import MAX_LINE_LENGTH, MAX_LINES
from runfolders.engine.sample_sheet.reading import (
    MAX_BYTES,
    find_sample_sheets,
    read_sample_sheet,
)

EXAMPLES = Path(__file__).parents[3] / "runfolders" / "examples"
MISEQ = EXAMPLES / "230825_M04034_0043_000000000-L6NVV"
NOVASEQ = EXAMPLES / "200624_A00834_0183_BHMTFYTINY"

V1 = "[Header]\nIEMFileVersion,4\n[Reads]\n151\n[Settings]\nAdapter,CTGT\n[Data]\n"
V2 = "[Header]\nFileFormatVersion,2\n[BCLConvert_Settings]\nTrimUMI,0\n"
DUAL = (Read(1, 151, False), Read(2, 8, True), Read(3, 8, True), Read(4, 151, False))


def sheet_of(content: str | bytes, folder: Path) -> SampleSheet:
    path = folder / "SampleSheet.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_sample_sheet(path)


def codes(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.code for problem in problems]


def checked(
    content: str, folder: Path, reads: tuple[Read, ...] = DUAL, lanes: int | None = 2
) -> list[tuple[str, int | None]]:
    sheet = sheet_of(content, folder)
    assert sheet.problems == ()
    facts = RunFacts("illumina", reads=reads, lanes=lanes)
    return [(found.code, found.line) for found in check_against_run(sheet, facts)]


def test_it_reads_the_real_miseq_sheet_as_v1_though_it_claims_version_2() -> None:
    sheet = read_sample_sheet(MISEQ / "SampleSheet.csv")
    assert (sheet.dialect, sheet.encoding, sheet.problems) == ("v1", "utf-8", ())
    assert sheet.header["FileFormatVersion"] == "2"
    assert sheet.settings["MaskShortReads"] == "35"
    assert len(sheet.samples) == 12
    first = sheet.samples[0]
    assert first.sample_id == "Sample_TSOCDNA-25ng-MultiCancerDNA-rep1"
    assert first.name == "TSOCDNA-25ng-MultiCancerDNA-rep1"
    assert (first.project, first.lane) == ("AB-1234", 1)
    assert (first.index, first.index2, first.line) == ("ATTACTCG", "CCTATCCT", 14)
    facts = RunFacts("illumina", reads=DUAL, lanes=1)
    assert check_against_run(sheet, facts) == ()


def test_it_reads_the_real_novaseq_sheet_and_reports_its_blanks() -> None:
    sheet = read_sample_sheet(NOVASEQ / "SampleSheet.csv")
    assert (sheet.dialect, sheet.problems) == ("v2", ())
    assert sheet.header["Index Adapters"] == "IDT-ILMN DNA-RNA UDP Indexes"
    assert sheet.settings["SoftwareVersion"] == "4.1.5"
    assert [sample.lane for sample in sheet.samples] == [1, 1, 2, 2]
    assert sheet.samples[0].override_cycles == "Y36;I10;I10"
    reads = (Read(1, 36, False), Read(2, 10, True), Read(3, 10, True))
    problems = check_against_run(sheet, RunFacts("illumina", reads=reads, lanes=2))
    assert [(p.code, p.line) for p in problems] == [("blank_in_index", 25)] * 2


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        (V1 + "Sample_ID,index\nS1,ACGT\n", "v1"),
        (V2 + "[BCLConvert_Data]\nSample_ID,Index\nS1,ACGT\n", "v2"),
        (
            "[Header]\nIEMFileVersion,4\n[BCLConvert_Data]\nSample_ID,Index\nS1,ACGT",
            "v2",
        ),
        ("[Data]\nSample_ID,index\nS1,ACGT\n[Header]\nFileFormatVersion,2\n", "v1"),
        ("FCID,Lane,SampleID,SampleRef,Index\nHX,1,S1,hg19,ACGT\n", "casava"),
    ],
)
def test_the_data_section_decides_the_dialect(
    content: str, dialect: str, tmp_path: Path
) -> None:
    sheet = sheet_of(content, tmp_path)
    assert (sheet.dialect, sheet.problems) == (dialect, ())
    assert [(s.sample_id, s.index) for s in sheet.samples] == [("S1", "ACGT")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            "[Data],,,,\n,,,,\nLane,Sample_ID,index\n1,S1,ACGT,,,\n", id="commas"
        ),
        pytest.param("[ data ]\nLANE,SampleID,INDEX\n1,S1,ACGT\n", id="column case"),
        pytest.param("\ufeff[Data]\r\nLane,Sample_ID,Index\r\n1,S1,ACGT\r\n", id="BOM"),
        pytest.param("[Data]\rLane,Sample_ID,index\r1,S1,ACGT\r", id="CR only"),
        pytest.param("[Data]\nLane,Sample_ID,index,index2\n1,S1,ACGT\n", id="short"),
        pytest.param('[Data]\nLane,Sample_ID,index\n 1," S1 ",ACGT \n', id="blanks"),
        pytest.param(
            "[Cloud_Settings]\nx\n[Data]\nLane,Sample_ID,index\n1,S1,ACGT\n[Odd]\n,,y\n",
            id="unknown sections",
        ),
        pytest.param(
            '[Data]\nLane,Sample_ID,Description,index\n1,S1,"a, b",ACGT\n', id="quotes"
        ),
    ],
)
def test_it_reads_through_harmless_noise(content: str, tmp_path: Path) -> None:
    sheet = sheet_of(content, tmp_path)
    assert sheet.problems == ()
    (sample,) = sheet.samples
    assert (sample.sample_id, sample.lane, sample.index) == ("S1", 1, "ACGT")


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        (b"[Data]\nSample_ID\nS\x001\n", "control_characters", 3),
        ("[Data]\nSample_ID\nSj\u00f6\n".encode("latin-1"), "not_utf8", None),
        (b"[Data]\nSample_ID\n[Data]\nS1\n", "repeated_section", 3),
        (b'[Data]\nSample_ID\n"S1\n', "unclosed_quote", 3),
        (b"[Data]\nSample_ID,Index,index\nS1,A,C\n", "repeated_column", 2),
        (b"[Data]\nSample_ID\nS1,x\n", "row_too_long", 3),
        (b"[Data]\nSample_ID,index\n,ACGT\nS1,A\n", "no_sample_id", 3),
        (b"[Data]\nLane,Sample_ID\n1+2,S1\n", "lane_invalid", 3),
        (b"[Data]\nSample_Name\nS1\n", "no_sample_id_column", 2),
        (b"[Data]\nSample_ID\n", "no_samples", 2),
        (b"[Data]\n", "no_samples", 1),
        (b"[Header]\nDate,today\n", "no_data_section", None),
        (b"", "no_data_section", None),
        (
            b"[Data]\nSample_ID\nS1\n[BCLConvert_Data]\nSample_ID\nS1\n",
            "two_data_sections",
            1,
        ),
        (b"[Data]\nSample_ID\n" + b"S" * 201, "value_too_long", 3),
        (b"[Data]\nSample_ID\nS1\n" + b"x" * (MAX_LINE_LENGTH + 1), "line_too_long", 4),
        (
            b"[Data]\nSample_ID\nS1" + b"\n" * MAX_LINES + b"S2",
            "too_many_lines",
            MAX_LINES,
        ),
    ],
)
def test_it_reports_what_is_wrong_with_the_file(
    content: bytes, code: str, line: int | None, tmp_path: Path
) -> None:
    sheet = sheet_of(content, tmp_path)
    assert [(p.code, p.line) for p in sheet.problems] == [(code, line)]


def test_one_forgotten_quote_costs_no_other_sample(tmp_path: Path) -> None:
    sheet = sheet_of('[Data]\nSample_ID,Description\n"S1,x\nS2,y\n', tmp_path)
    assert [sample.sample_id for sample in sheet.samples][1:] == ["S2"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_it_reads_names_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    content = "[Data]\nSample_ID,Sample_Project\nS1,Åsa_µ\n".encode(encoding)
    sheet = sheet_of(content, tmp_path)
    assert sheet.samples[0].project == "Åsa_µ"
    assert sheet.encoding == encoding


@pytest.mark.parametrize(
    ("written", "index", "index2"),
    [
        ("AAAA-CCCC", "AAAA", "CCCC"),
        ("NoIndex", "", ""),
        ("SI-GA-A1", "SI-GA-A1", ""),
    ],
)
def test_it_splits_a_dual_index_of_casava(
    written: str, index: str, index2: str, tmp_path: Path
) -> None:
    sheet = sheet_of(f"FCID,Lane,SampleID,Index\nHX,1,S1,{written}\n", tmp_path)
    sample = sheet.samples[0]
    assert (sample.index, sample.index2) == (index, index2)


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo", "huge", "dangling"])
def test_a_sheet_that_cannot_be_read_is_a_problem(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "SampleSheet.csv"
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "huge":
            with path.open("wb") as file:
                file.truncate(MAX_BYTES + 1)
        case "dangling":
            path.symlink_to("nowhere")
    sheet = read_sample_sheet(path)
    assert codes(sheet.problems) == ["sample_sheet_unreadable"]
    assert sheet.samples == ()


def test_problems_are_bounded(tmp_path: Path) -> None:
    sheet = sheet_of("[Data]\nLane,Sample_ID\n" + "x,S1\n" * 500, tmp_path)
    assert len(sheet.samples) == 500
    assert len(sheet.problems) == 201
    assert sheet.problems[-1].message == "And 300 more problems."


@given(st.binary() | st.text().map(str.encode))
def test_no_bytes_make_it_raise(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(
            b"[BCLConvert_Data]\nLane,Sample_ID,Index,OverrideCycles\n" + content
        )
        file.flush()
        sheet = read_sample_sheet(Path(file.name))
        check_against_run(sheet, RunFacts("illumina", reads=DUAL, lanes=1))


def test_it_finds_the_sheets_of_a_run_best_first() -> None:
    names = [
        "HMTFYDRXX.csv",
        "samplesheet_original.csv",
        "RunInfo.xml",
        "SAMPLESHEET.csv",
        "other.csv",
    ]
    files = {name.lower(): FileStat(name, 1, 0.0, 1) for name in names}
    folder = Path("/data/200624_A00834_0183_BHMTFYDRXX")
    found = find_sample_sheets(Listing(folder, files, frozenset()))
    assert [file.name for file in found] == [
        "SAMPLESHEET.csv",
        "samplesheet_original.csv",
        "HMTFYDRXX.csv",
    ]


DATA = V2 + "[BCLConvert_Data]\nLane,Sample_ID,Index,Index2,OverrideCycles\n"
FIRST = DATA.count("\n") + 1  # line of the first sample
FULL = "AAAACCCC,GGGGTTTT"


@pytest.mark.parametrize(
    ("rows", "code", "offset"),
    [
        ("3,S1,AAAACCCC,GGGGTTTT,", "lane_out_of_range", 0),
        ("0,S1,AAAACCCC,GGGGTTTT,", "lane_out_of_range", 0),
        ("1,S1,AAAA CCCC,GGGGTTTT,", "blank_in_index", 0),
        ("1,S1,AAAACCCX,GGGGTTTT,", "index_invalid", 0),
        ("1,S1,AAAACCCCA,GGGGTTTT,", "index_length", 0),
        ("1,S1,AAAACCC,GGGGTTTT,", "index_length", 0),
        ("1,S1,AAAACCC,GGGGTTTT,Y151;I8;I8;Y151", "index_length", 0),
        ("1,S1,AAAACCCC,GGGGTTTT,Y150;I8;I8;Y151", "override_cycles_invalid", 0),
        ("1,S1,AAAACCCC,GGGGTTTT,Y152;I8;I8;Y151", "override_cycles_invalid", 0),
        ("1,S1,AAAACCCC,GGGGTTTT,Y151;I8;Y151", "override_cycles_invalid", 0),
        ("1,S1,AAAACCCC,GGGGTTTT,Y151;Q8;I8;Y151", "override_cycles_invalid", 0),
        ("1,S1,AAAACCCC,GGGGTTTT,I151;I8;I8;Y151", "override_cycles_invalid", 0),
        (f"1,S1,{FULL},R1:Y151;I1:I8;I2:I8;R3:Y151", "override_cycles_invalid", 0),
        (f"1,S1,{FULL},\n1,S2,{FULL},", "index_clash", 1),
        (f"1,S1,{FULL},\n1,S2,AAAACCCC,,", "index_clash", 1),
        (f"1,S1,{FULL},\n,S2,{FULL},", "index_clash", 0),
        (f"1,S1,{FULL},\n1,S1,TTTTCCCC,GGGGTTTT,", "sample_repeated", 1),
    ],
)  # fmt: skip
def test_it_reports_what_does_not_fit_the_run(
    rows: str, code: str, offset: int, tmp_path: Path
) -> None:
    assert checked(DATA + rows + "\n", tmp_path) == [(code, FIRST + offset)]


@pytest.mark.parametrize(
    "rows",
    [
        f"1,S1,{FULL},\n2,S1,{FULL},",
        f"1,S1,{FULL},\n1,S2,AAAACCCC,GGGGTTTA,",
        "1,S1,AAAACC,GGGG,Y151;I6N2;N4I4;Y100N51",
        "1,S1,AAAACC,GGGGTTTT,R1:U8Y*;I1:I6N*;I2:I8;R2:Y151",
        "1,S1,aaaacccc,GGGGTTTT,R2:Y151;R1:Y151;I1:I8;I2:I8",
        "1,S1,SI-GA-A1,,\n1,S2,SI-GA-B1,,",
        ",S1,,,",
    ],
)
def test_it_is_content_with_what_is_legal(rows: str, tmp_path: Path) -> None:
    assert checked(DATA + rows + "\n", tmp_path) == []


def test_a_short_index_is_legal_in_v1(tmp_path: Path) -> None:
    assert checked(V1 + "Sample_ID,index\nS1,ACGT\n", tmp_path) == []


def test_an_index_without_an_index_read_is_reported(tmp_path: Path) -> None:
    reads = (Read(1, 51, False), Read(2, 8, True))
    rows = f"1,S1,{FULL},"
    assert checked(DATA + rows, tmp_path, reads=reads) == [("index_length", FIRST)]


def test_the_sheets_own_override_cycles_count_for_every_sample(tmp_path: Path) -> None:
    settings = "[BCLConvert_Settings]\nOverrideCycles,Y151;I6N2;I8;Y151\n"
    data = "[BCLConvert_Data]\nSample_ID,Index,Index2\nS1,AAAACC,GGGGTTTT\n"
    assert checked(settings + data, tmp_path) == []
    assert checked(settings.replace("I6N2", "I7") + data, tmp_path)[0] == (
        "override_cycles_invalid",
        None,
    )


def test_what_the_run_does_not_say_is_not_checked(tmp_path: Path) -> None:
    rows = "7,S1,ACG,,Y1\n"
    assert checked(DATA + rows, tmp_path, reads=(), lanes=None) == []
