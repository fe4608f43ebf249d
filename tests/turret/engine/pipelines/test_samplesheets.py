from __future__ import annotations

import json
from typing import Any

import pytest

from turret.engine.pipelines.samplesheets import MOST_MESSAGES, check_samplesheet

# As nf-core's pipelines have it.
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "sample": {
                "type": "string",
                "pattern": "^\\S+$",
                "errorMessage": "must not contain spaces",
                "meta": ["id"],
            },
            "fastq_1": {
                "type": "string",
                "format": "file-path",
                "exists": True,
                "pattern": "^\\S+\\.f(ast)?q\\.gz$",
            },
            "strandedness": {"type": "string", "enum": ["forward", "reverse"]},
            "lane": {"type": "integer", "minimum": 1},
            "is_control": {"type": "boolean"},
        },
        "required": ["sample", "fastq_1"],
    },
}
HEADER = "sample,fastq_1,strandedness,lane,is_control"


def told(*lines: str) -> list[str]:
    return check_samplesheet(json.dumps(SCHEMA), "\n".join([HEADER, *lines]).encode())


def test_a_good_sheet_has_no_messages() -> None:
    assert told("s1,a.fq.gz,forward,1,true", "2,b.fastq.gz,,,", "", " , ,") == []


def test_a_header_alone_is_no_sheet() -> None:
    assert told() == told(", ,") == ["The sheet has nothing below its header."]


def test_each_message_names_line_and_column() -> None:
    assert told(
        "s1,a.fq.gz,forward,1,true",
        "s 2,a.fq.gz,sideways,0,perhaps",
        "",
        ",b.txt,,x",
    ) == [
        "Line 3, sample: must not contain spaces",
        "Line 3, strandedness: must be one of: forward, reverse",
        "Line 3, lane: must be at least 1",
        "Line 3, is_control: must be true or false",
        "Line 5, fastq_1: must be like ^\\S+\\.f(ast)?q\\.gz$",
        "Line 5, lane: must be a whole number",
        "Line 5, sample: is required",
    ]


def test_files_are_looked_for() -> None:
    sheet = f"{HEADER}\ns1,/a.fq.gz\ns2,/b.fq.gz\ns3,s3://x/c.fq.gz".encode()
    assert check_samplesheet(
        json.dumps(SCHEMA), sheet, look=lambda path: path == "/a.fq.gz"
    ) == ["Line 3, fastq_1: there is no such file"]


@pytest.mark.parametrize(
    "sheet",
    [
        b"\xef\xbb\xbfsample,fastq_1\r\ns1,a.fq.gz\r\n",
        b"sample\tfastq_1\ns1\ta.fq.gz",
        b'"sample","fastq_1",\n"s1","a.fq.gz",',
        b"\n\nfastq_1, sample, mine\na.fq.gz, s1, whatever",
    ],
)
def test_sheets_of_other_programs_are_read(sheet: bytes) -> None:
    # The third one's rows have a cell more than its header has names.
    found = check_samplesheet(json.dumps(SCHEMA), sheet)
    assert found == []


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"sample,fastq_1\ns\xff,x", "not UTF-8"),
        (b"PK\x03\x04\0\0", "not text"),
        (b"sample;fastq_1\n", "divided by `;`"),
        (b"a,b\n1,2", "none of the columns that the pipeline knows: sample, fastq_1"),
        (b"sample,lane\n", "columns are missing: fastq_1."),
        (b"sample,fastq_1,sample\n", "column sample is there twice"),
        (b"sample,fastq_1\na,b,c\n", "Line 2 has 3 cells, the header has 2"),
        (b'sample,fastq_1\n"' + b"x" * 200_000, "Line"),
        (b"sample,fastq_1\n" + b"a,b\n" * 20_001, "more than 20,000 lines"),
        (b"x" * 3_000_000, "more than 2,000,000 bytes"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_sheet_has_one_message(sheet: bytes, words: str) -> None:
    [message] = check_samplesheet(json.dumps(SCHEMA), sheet)
    assert words in message


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("", "is not JSON"),
        ("{}", "describes no columns"),
        ('{"items": {"properties": []}}', "describes no columns"),
        ('{"$ref": "https://example.org"}', "nothing is fetched"),
        ('{"items": {"properties": {"a": {"$ref": "#"}}}, "type": "x"}', "be used"),
    ],
)
def test_a_schema_that_is_none_has_one_message(schema: str, words: str) -> None:
    [message] = check_samplesheet(schema, b"a,b\n1,2")
    assert words in message


def test_many_messages_are_cut() -> None:
    found = told(*["s,x"] * 500)
    assert len(found) == MOST_MESSAGES + 1
    assert found[-1] == "There is more like that."


def test_a_large_sheet_is_checked_whole() -> None:
    found = told(*["s,a.fq.gz,forward,1,true"] * 5_000, "s,a.fq.gz,forward,0")
    assert found == ["Line 5002, lane: must be at least 1"]
