"""The reader of untrusted XML."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runfolders.engine.facts import Unreadable
from runfolders.engine.illumina.run_info import parse_run_info
from runfolders.engine.illumina.run_parameters import parse_run_parameters
from runfolders.engine.xml import (
    MAX_BYTES,
    attribute,
    find,
    find_all,
    integer,
    parse_xml,
    read_xml,
    text,
)

from .listings import MISEQ, NOVASEQ

RUN_INFO = (MISEQ / "RunInfo.xml").read_bytes()
RUN_PARAMETERS = (NOVASEQ / "RunParameters.xml").read_bytes()


def test_it_finds_paths_in_any_letter_case_but_at_no_other_depth() -> None:
    root = parse_xml(b"<R><Setup><A><RunId>x1</RunId></A></Setup></R>", "f")
    assert text(root, "setup/a/RUNID") == "x1"
    assert text(root, "RunId") is None
    assert text(root, "Setup/RunId") is None
    assert text(root, "Setup/RunId", "Setup/A/RunId") == "x1"
    assert find(root, "Setup/A/RunId/more") is None


def test_it_finds_all_of_one_name_in_order() -> None:
    root = parse_xml(b"<R><L><T>1</T><U/><t>2</t></L></R>", "f")
    assert [tile.text for tile in find_all(root, "L/T")] == ["1", "2"]
    assert find_all(root, "None/T") == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "-1",
        "-999",
        "Not Specified",
        "N/A",
        "X",
        "0001-01-01T00:00:00",
        "12/31/2169 00:00:00",
    ],
)
def test_what_means_nothing_is_none(value: str) -> None:
    root = parse_xml(f'<R a="{value}"><V>{value}</V></R>'.encode(), "f")
    assert text(root, "V") is None
    assert attribute(root, "a") is None


def test_nil_element_is_none() -> None:
    schema = "http://www.w3.org/2001/XMLSchema-instance"
    root = parse_xml(f'<R xmlns:i="{schema}"><V i:nil="true"/></R>'.encode(), "f")
    assert text(root, "V") is None


def test_values_are_one_bounded_line() -> None:
    root = parse_xml(b"<R><V> a\n\tb </V><W>" + b"w" * 5000 + b"</W></R>", "f")
    assert text(root, "V") == "a b"
    assert len(text(root, "W") or "") == 255


def test_namespaces_make_no_difference() -> None:
    root = parse_xml(b'<R xmlns="urn:x"><A><B>1</B></A></R>', "f")
    assert root.tag == "R"
    assert text(root, "A/B") == "1"


@pytest.mark.parametrize(
    ("value", "number"),
    [("12", 12), ("007", 7), ("-3", None), ("1e3", None), ("9" * 10, None), ("", None)],
)
def test_only_short_plain_numbers_are_integers(value: str, number: int | None) -> None:
    assert integer(value) == number


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><R><V>\xc3\xa5</V></R>",
        b"<?xml version='1.0'?>\r\n<R>\r\n<V>\xc3\xa5</V>\r\n</R>\r\n",
        b"<?xml version='1.0' encoding='utf-8'?><R><V>\xe5</V></R>",
        b"<?xml version='1.0' encoding='iso-8859-1'?><R><V>\xe5</V></R>",
        "<?xml version='1.0' encoding='utf-16'?><R><V>å</V></R>".encode("utf-16"),
    ],
    ids=["bom", "crlf", "latin-1 as utf-8", "latin-1", "utf-16"],
)
def test_it_reads_any_encoding_that_instruments_write(data: bytes) -> None:
    assert text(parse_xml(data, "f"), "V") == "å"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"\0" * 4096, "only NUL bytes"),
        (RUN_INFO[:300], "not whole"),
        (RUN_INFO[:300] + b"\0" * 382, "not whole"),
        (b"not XML at all", "not whole or not XML"),
        (b"<?xml version='1.0' encoding='nonsense'?><R/>", "not whole or not XML"),
        (b"<!DOCTYPE R [<!ENTITY a 'b'>]><R>&a;</R>", "DTD or an entity"),
        (b"<!DOCTYPE R SYSTEM 'file:///etc/passwd'><R/>", "DTD or an entity"),
        (b"<a>" * 1_000_000, "nested deeper"),
        (b"<a>" + b"<b/>" * 300_000 + b"</a>", "more than"),
    ],
)
def test_what_is_no_good_is_unreadable_in_one_sentence(
    data: bytes, reason: str
) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        parse_xml(data, "RunInfo.xml")
    message = str(caught.value)
    assert message.startswith("RunInfo.xml ")
    assert message.endswith(".")
    assert len(message) < 250


def test_entity_bomb_is_refused() -> None:
    entities = "".join(
        f"<!ENTITY e{n} '{f'&e{n - 1};' * 10 if n else 'ha'}'>" for n in range(12)
    )
    bomb = f"<!DOCTYPE R [{entities}]><R>&e11;</R>"
    with pytest.raises(Unreadable, match="refused"):
        parse_xml(bomb.encode(), "RunInfo.xml")


def test_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "RunInfo.xml")
    with pytest.raises(Unreadable, match="not a regular file"):
        read_xml(tmp_path / "RunInfo.xml")


def test_directory_and_missing_file_and_dangling_link_are_unreadable(
    tmp_path: Path,
) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for name in ("directory", "missing", "link", "loop"):
        with pytest.raises(Unreadable, match=name):
            read_xml(tmp_path / name)


def test_refused_files_leave_no_open_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(20):
        with pytest.raises(Unreadable):
            read_xml(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "RunInfo.xml"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(Unreadable, match="larger than 20,000,000 bytes"):
        read_xml(path)


def test_name_that_is_not_utf8_fits_into_the_message(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"Run\xe5.xml")
    path.write_bytes(b"")
    with pytest.raises(Unreadable) as caught:
        read_xml(path)
    assert str(caught.value).startswith(r"Run\xe5.xml is empty")


@given(st.integers(0, len(RUN_INFO)))
def test_cut_run_info_is_whole_or_unreadable(length: int) -> None:
    try:
        parse_run_info(RUN_INFO[:length])
    except Unreadable:
        assert length < len(RUN_INFO)


@given(
    st.sampled_from([RUN_INFO, RUN_PARAMETERS]),
    st.lists(st.tuples(st.integers(0, 6000), st.binary(max_size=6)), max_size=8),
)
def test_damaged_files_raise_unreadable_only(
    original: bytes, damages: list[tuple[int, bytes]]
) -> None:
    data = bytearray(original)
    for position, replacement in damages:
        at = position % len(data)
        data[at : at + len(replacement)] = replacement
    for parse in (parse_run_info, parse_run_parameters):
        with contextlib.suppress(Unreadable):
            parse(bytes(data), "file")
