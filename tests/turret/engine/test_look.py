"""What is new in the files of a run (turret.engine.launching)."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from turret.engine.launching.followed import Followed, restored
from turret.engine.launching.look import error_report, look
from turret.engine.launching.pieces import Mark, Piece, read_piece
from turret.engine.log_lines import moment, parts_of, quantity
from turret.engine.trace_table import MAX_RECORD, Records, read_names, task_of

SAMPLES = Path(__file__).parents[2] / "data" / "nextflow" / "launched"
HEADER = "task_id\thash\tname\tstatus\n"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


def read(path: Path, mark: Mark, *, is_over: bool = False, most: int = 100) -> Piece:
    piece = read_piece(path, mark, is_over=is_over, most=most)
    assert piece is not None
    return piece


def names_of(trace: Path, before: Followed, *, is_over: bool = False) -> list[str]:
    seen = look(trace, None, before, is_over=is_over)
    assert seen is not None
    return [task.name for task in seen.news.of_trace.values()]


def test_half_a_line_waits_for_its_other_half(trace: Path) -> None:
    trace.write_text("one\ntw")
    piece = read(trace, Mark())
    assert (piece.lines, piece.is_behind) == (["one"], False)
    mark = piece.mark(1)
    assert read_piece(trace, mark) is None
    trace.write_text("one\ntwo\n")
    assert read(trace, mark).lines == ["two"]


def test_when_all_is_over_half_a_line_is_one(trace: Path) -> None:
    trace.write_text("one\ntw")
    mark = read(trace, Mark()).mark(1)
    rest = read(trace, mark, is_over=True)
    assert rest.lines == ["tw"]
    assert read_piece(trace, rest.mark(1), is_over=True) is None


def test_a_long_file_is_read_in_pieces(trace: Path) -> None:
    trace.write_text("0123456\n" * 100)
    mark, lines, pieces = Mark(), 0, 0
    while (piece := read_piece(trace, mark, most=100)) is not None:
        mark, lines = piece.mark(len(piece.lines)), lines + len(piece.lines)
        pieces += 1
    assert (lines, pieces, mark.offset) == (100, 9, 800)


def test_a_line_without_an_end_holds_nobody_up(trace: Path) -> None:
    trace.write_text("x" * 250 + "\nlast\n")
    mark, lines = Mark(), []
    while (piece := read_piece(trace, mark, most=100)) is not None:
        lines += piece.lines
        mark = piece.mark(len(piece.lines))
    assert lines[-1] == "last"
    assert "".join(lines[:-1]) == "x" * 250


def test_a_file_in_place_of_another_begins_anew(trace: Path) -> None:
    trace.write_text("one\n")
    mark = read(trace, Mark()).mark(1)
    other = trace.with_name("other")
    other.write_text("two\nthree\n")
    other.replace(trace)
    piece = read(trace, mark)
    assert (piece.lines, piece.begins_anew) == (["two", "three"], True)
    trace.write_text("")
    assert read(trace, piece.mark(2)).begins_anew


def test_what_is_kept_survives_the_database(tmp_path: Path) -> None:
    sample = SAMPLES / "failed"
    seen = look(sample / "trace.txt", sample / "nextflow.log", Followed(), most=3000)
    assert seen is not None
    stored = json.loads(json.dumps(asdict(seen.after)))
    assert restored(stored) == seen.after
    assert restored({}) == Followed()
    assert restored({"made": "by another version"}) == Followed()


def test_a_record_without_its_end_waits(trace: Path) -> None:
    trace.write_text(f"{HEADER}1\tab/123456\tA\tCOMPLETED\n2\tab/123457\tB")
    seen = look(trace, None, Followed())
    assert seen is not None
    assert [task.name for task in seen.news.of_trace.values()] == ["A"]
    with trace.open("a") as file:
        file.write("\tCOMPLETED\n")
    assert names_of(trace, seen.after) == ["B"]


def test_a_record_spans_lines(trace: Path) -> None:
    header = "task_id\thash\tstatus\tscript\texit\n"
    script = "\n  printf '\\t'\n  printf '\t'\n  "
    records = f"1\tab/123456\tCOMPLETED\t{script}\t0\n2\tab/123457\tFAILED\tx\t3\n"
    trace.write_text(header + records.replace("\t'", "'"))
    seen = look(trace, None, Followed())
    assert seen is not None
    first, second = seen.news.of_trace.values()
    assert (first.exit, second.exit) == (0, 3)
    assert first.script == script.replace("\t'", "'")


def test_a_separator_in_a_script_is_the_script_s() -> None:
    table = read_names("task_id\x1fscript\x1fstatus\n")
    assert table.row("1\x1fa\x1fb\x1fCOMPLETED") == {
        "task_id": "1",
        "script": "a\x1fb",
        "status": "COMPLETED",
    }


@pytest.mark.parametrize("name", ["a\tb", "a\tb\tc", "a\nb\tc"])
@pytest.mark.parametrize("script", ["x", "\n1\t2\n"])
def test_a_separator_in_a_tag_is_the_tag_s(name: str, script: str) -> None:
    records = Records(read_names("task_id\thash\ttag\tname\tstatus\tscript\texit"))
    record = f"1\tab/123456\t{name}\tA ({name})\tFAILED\t{script}\t0"
    rows = [row for line in record.split("\n") for row in records.add(line)]
    assert (rows[0]["tag"], rows[0]["name"]) == (name, f"A ({name})")
    assert rows[0]["status"] == "FAILED"


def test_a_status_that_is_cut_is_none(trace: Path) -> None:
    trace.write_text(
        "task_id\thash\tstatus\tname\n1\tab/123456\tCOMPLETED\tA\n2\tab/123457\tCOMPL"
    )
    assert names_of(trace, Followed(), is_over=True) == ["A"]


def test_a_broken_record_spoils_no_other() -> None:
    records = Records(read_names(HEADER))
    lines = ["rest of something", "1\tab/123456\tA", "2\tab/123457\tB\tCACHED", "junk"]
    rows = [row for line in lines for row in records.add(line)]
    # What a record that is cut says last may be cut itself.
    assert [row.get("name") for row in rows] == [None, "B"]
    assert task_of(rows[0]) is None
    assert not records.is_waiting


def test_a_record_has_an_end_somewhere() -> None:
    records = Records(read_names("task_id\thash\tname\tscript\tstatus\n"))
    line = "x" * 1000
    records.add(f"1\tab/123456\tA\t{line}")
    count = 0
    while records.is_waiting:
        records.add(line)
        count += 1
    assert count * 1000 <= MAX_RECORD + 1000


@pytest.mark.parametrize(
    ("column", "text", "field", "value"),
    [
        ("duration", "1h 2m 3.5s", "duration_ms", 3_723_500),
        ("duration", "85ms", "duration_ms", 85),
        ("duration", "85", "duration_ms", 85),
        ("duration", "soon", "duration_ms", None),
        ("realtime", "9" * 19, "realtime_ms", None),
        ("time", "2d", "time_ms", 172_800_000),
        ("peak_rss", "4.9 MB", "peak_rss_bytes", 5_138_022),
        ("peak_rss", "0", "peak_rss_bytes", 0),
        ("memory", "1 GB", "memory_bytes", 1 << 30),
        ("%cpu", "6.2%", "pcpu", 6.2),
        ("%cpu", "nan", "pcpu", None),
        ("exit", "2147483647", "exit", None),
        ("exit", "-", "exit", None),
        ("submit", "1795366639464", "submitted_at", 1795366639.464),
        ("submit", "9" * 18, "submitted_at", None),
        ("submit", "yesterday", "submitted_at", None),
        ("error_action", "FINISH", "error_action", "finish"),
        ("error_action", "DANCE", "error_action", None),
        ("container", "-", "container", ""),
    ],
)
def test_values_are_read_raw_or_as_people_write_them(
    column: str, text: str, field: str, value: object
) -> None:
    task = task_of({"task_id": "1", "status": "COMPLETED", column: text})
    assert task is not None
    found = getattr(task, field)
    assert (found.timestamp() if isinstance(found, datetime) else found) == value


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"task_id": "1"},
        {"status": "COMPLETED"},
        {"task_id": "9" * 30, "status": "COMPLETED"},
        {"hash": "no hash", "status": "COMPLETED"},
    ],
)
def test_a_record_of_no_task_is_none(row: dict[str, str]) -> None:
    assert task_of(row) is None


def test_a_time_without_a_year_is_of_the_last_one() -> None:
    written = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    found = moment("Dec-31 23:59:58.250", written)
    assert found is not None
    assert (found.year, found.microsecond) == (2025, 250_000)
    same = moment("Jan-01 00:04:00.000", written)
    assert same is not None
    assert same.year == 2026
    assert moment("Feb-29 00:00:00.000", datetime(2026, 3, 1, tzinfo=UTC)) is None
    assert moment("Foo-99 99:99:99.999", written) is None


@pytest.mark.parametrize(
    ("written", "offset"), [("00:35", 2), ("01:05", 1), ("09:00", 1)]
)
def test_of_an_hour_that_comes_twice_it_is_the_one_that_had_begun(
    written: str, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When summer ends in Stockholm, at 01:00 UTC."""
    monkeypatch.setenv("TZ", "Europe/Stockholm")
    time.tzset()
    try:
        at = datetime.fromisoformat(f"2026-10-25T{written}Z")
        found = moment("Oct-25 02:05:00.000", at)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert found == datetime(2026, 10, 25, 2 - offset, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "process", "tag"),
    [
        ("A:B (c)", "A:B", "c"),
        ("A (x) (y)", "A", "x) (y"),
        ("A (two\nlines)", "A", "two\nlines"),
        ("A (two", "A", "two"),  # in the log, whose line ends there
        ("A", "A", ""),
    ],
)
def test_a_name_has_a_process_and_a_tag(name: str, process: str, tag: str) -> None:
    assert parts_of(name) == (process, tag)


@pytest.mark.parametrize(
    ("text", "value"), [("", None), ("x", None), ("1 KB", 1024), ("9" * 19, None)]
)
def test_quantities_fit(text: str, value: int | None) -> None:
    assert quantity(text) == value


def test_an_error_ends_where_the_calls_begin(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stamp = "Nov-22 16:57:35.749 [main]"
    log.write_text(
        f"{stamp} ERROR nextflow.Channel - No such file\njava.x: why\n\tat a.b(C:1)\n"
        f"\tat d.e(F:2)\n{stamp} DEBUG nextflow.Session - more\n"
    )
    assert error_report(log, 0) == "No such file\njava.x: why"
    assert error_report(log, 5) == ""
    assert error_report(tmp_path / "none", 0) == ""
