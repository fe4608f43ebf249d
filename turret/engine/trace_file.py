"""How the tasks of a trace file (`-with-trace`) ended, read at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

from turret.engine.log_lines import LOG_LINE, TRACE, moment
from turret.engine.text_file import lines
from turret.engine.trace_table import Records, Row, read_names

MAX_FAILURES = 5
# What Nextflow calls its file by itself, besides trace-<date>-<number>.txt.
_USUAL = ("trace.txt", "trace.raw", "trace.tsv")
# A log names its trace file before the first task.
_MOST_LINES = 1_000


@dataclass(slots=True)
class Ended:
    """The tasks of a trace file. `failures`: {name, exit or None, hash}."""

    completed: int = 0
    cached: int = 0
    failed: int = 0
    aborted: int = 0
    total: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)


def read_trace(path: Path) -> Ended:
    """A file that can't be read, or has no column `status`, has no tasks."""
    ended = Ended()
    rows = lines(path)
    table = read_names(next(rows, ""))
    if not table.is_trace:
        return ended
    records = Records(table)
    for line in rows:
        for row in records.add(line):
            _count(ended, row)
    for row in records.rest():
        _count(ended, row)
    return ended


def _count(ended: Ended, row: Row) -> None:
    if "status" not in row:
        return
    ended.total += 1
    match row["status"].upper():
        case "COMPLETED":
            ended.completed += 1
        case "CACHED":
            ended.cached += 1
        case "ABORTED":
            ended.aborted += 1
        case "FAILED":
            ended.failed += 1
            if len(ended.failures) < MAX_FAILURES:
                ended.failures.append(_failure(row))


def _failure(row: Row) -> dict[str, Any]:
    return {
        "name": row.get("name", ""),
        "exit": exit_code(row.get("exit", "")),
        "hash": row.get("hash", ""),
    }


def exit_code(text: str) -> int | None:
    """None: not known, which Nextflow writes as "-" or as the largest int."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        return None
    return int(text)


def parse_nf_trace(path: str | PathLike[str]) -> dict[str, Any]:
    """`{completed, cached, failed, total, failures}` of a trace file, `failures` the
    first five as {name, exit, hash}. All are empty when it can't be read."""
    ended = read_trace(Path(path))
    return {
        "completed": ended.completed,
        "cached": ended.cached,
        "failed": ended.failed,
        "total": ended.total,
        "failures": ended.failures,
    }


def trace_path_for_log(log: str | PathLike[str]) -> Path:
    """Where the trace file of a log is: `<stem>.trace.txt` beside it.

    A `.nextflow.log` says nothing of its run in its name: there it is the file that it
    names itself, or else the youngest that is named as Nextflow names traces and is not
    older than the log's first line; `trace.txt` when there is none.
    """
    path = Path(log)
    if path.name != ".nextflow.log":
        return path.with_name(f"{path.stem}.trace.txt")
    head = list(islice(lines(path), _MOST_LINES))
    for line in head:
        if (said := LOG_LINE.match(line)) and (found := TRACE.match(said["message"])):
            name = PurePosixPath(found["path"].strip()).name
            if name not in ("", ".."):
                return path.with_name(name)
    began_s = _began_s(path, head)
    usual = [path.with_name(name) for name in _USUAL]
    try:
        usual += path.parent.glob("trace-*.txt")
        there = [(one.stat().st_mtime, one) for one in usual if one.is_file()]
    except OSError:
        there = []
    own = [one for one in there if one[0] >= began_s]
    return max(own)[1] if own else path.with_name(_USUAL[0])


def _began_s(log: Path, head: list[str]) -> float:
    """Since 1970; 0 when its first line does not say, or is of another time zone."""
    first = LOG_LINE.match(head[0]) if head else None
    if first is None:
        return 0.0
    written_at = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    began_at = moment(first["at"], written_at)
    if began_at is None or began_at > written_at:
        return 0.0
    return began_at.timestamp()
