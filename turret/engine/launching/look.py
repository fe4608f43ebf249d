"""A look at the trace file and the log of a run: what is new in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from turret.engine.launching.followed import Followed, News, restored
from turret.engine.launching.log_reader import LogReader
from turret.engine.launching.pieces import (
    MOST_BYTES,
    Mark,
    Piece,
    read_piece,
    read_text,
)
from turret.engine.log_lines import LOG_LINE
from turret.engine.trace_table import Records, read_names, task_of

# Of a log that is so far ahead the middle is left out: the trace file knows the tasks.
MOST_BEHIND = 64 << 20
LONGEST_REPORT = 32 << 10  # bytes


@dataclass(frozen=True, slots=True)
class Look:
    """`before` is what it began with, and has not been changed."""

    before: Followed
    after: Followed
    news: News
    is_behind: bool  # there is more to be read at once


def look(
    trace: Path,
    log: Path | None,
    before: Followed,
    *,
    most: int = MOST_BYTES,
    is_over: bool = False,
) -> Look | None:
    """What is new in the files of a run; None: nothing is. May hang with the disk.

    `is_over`: nothing is written any more.
    """
    of_trace = read_piece(trace, before.trace, most=most, is_over=is_over)
    of_log = None if log is None else _read_log(log, before, most, is_over)
    if of_trace is None and of_log is None:
        return None
    after = restored(asdict(before))
    news = News()
    if of_log is not None:
        LogReader(after, news, of_log).read()
    if of_trace is not None:
        _read_trace(after, news, of_trace, is_over and not of_trace.is_behind)
    is_behind = any(piece and piece.is_behind for piece in (of_trace, of_log))
    return Look(before, after, news, is_behind)


def _read_log(log: Path, before: Followed, most: int, is_over: bool) -> Piece | None:
    piece = read_piece(log, before.log, most=most, is_over=is_over)
    if (
        piece is None
        or piece.begins_anew
        or piece.size - piece.offsets[0] < MOST_BEHIND
    ):
        return piece
    late = Mark(piece.inode, piece.size - most, piece.size - most)
    return read_piece(log, late, most=most, is_over=is_over)


def _read_trace(after: Followed, news: News, piece: Piece, is_over: bool) -> None:
    lines, done = piece.lines, 0
    if piece.begins_anew:
        after.table = None
    if after.table is None and lines:
        after.table, done = read_names(lines[0]), 1
    rows = []
    if after.table is not None:
        records = Records(after.table)
        for number, line in enumerate(lines[done:], done):
            found = records.add(line)
            rows += found
            if not records.is_waiting:
                done = number + 1
            elif found:
                done = number
        if is_over:
            rows += records.rest()
            done = len(lines)
    after.trace = piece.mark(done)
    tasks = filter(None, map(task_of, rows))
    news.of_trace.update({task.task_id: task for task in tasks})


def error_report(log: Path, error_at: int) -> str:
    """What stands in the log from there: the message of an error, as people are told
    it. Empty when it can't be read. May hang with the disk."""
    lines = read_text(log, error_at, LONGEST_REPORT)
    found = LOG_LINE.match(lines[0]) if lines else None
    if found is None:
        return ""
    report = [found["message"]]
    for line in lines[1:]:
        # Then come the calls in Nextflow's own code, or the next message.
        if line.startswith("\tat ") or LOG_LINE.match(line):
            break
        report.append(line)
    return "\n".join(report).strip()
