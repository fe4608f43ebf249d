"""Nextflow's log: `.nextflow.log`, or what `nextflow run` printed.

Sources of what is printed: Nextflow 24.10, its AnsiLogObserver.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from turret.engine.log_lines import (
    AGAIN,
    ENDED,
    KILLED,
    LOG_LINE,
    SENT,
    STATS,
    SUBMITTED,
    TRACE,
    counters_of,
)
from turret.engine.records import Counters
from turret.engine.states import done_of
from turret.engine.text_file import lines
from turret.engine.trace_file import (
    MAX_FAILURES,
    Ended,
    exit_code,
    read_trace,
    trace_path_for_log,
)

_PRINTED = re.compile(r"(?P<level>WARN|ERROR)(?:: | ~ )(?P<message>.*)")
# `[1a/2b3c4d] ALIGN (3) [ 33%] 3 of 9, failed: 1 ✔`, drawn again and again.
_DRAWN = re.compile(
    r"\[[^\]]{1,10}\] (?:process > )?(?P<process>[^\s|(]++).*?(?:\[ *\d+%\]|\|) +"
    r"(?P<done>\d{1,9}) of (?P<total>\d{1,9})\b(?:.*, retries: (?P<retries>\d{1,9}))?"
)
# What an exception without a message of its own is called; the next line tells.
_NAMELESS = "@unknown"
# Colours and movements of the cursor, where a terminal was recorded.
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(slots=True)
class _Log:
    """What a log says of its run."""

    submitted: set[str] = field(default_factory=set)
    cached: set[str] = field(default_factory=set)
    ended: Ended = field(default_factory=Ended)
    retries: int = 0
    ignored: int = 0
    stats: Counters | None = None
    # (done, total) of each process, as it was drawn last.
    drawn: dict[str, tuple[int, int]] = field(default_factory=dict)
    slurm_jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    warn_count: int = 0
    last_warn: str = ""
    error_count: int = 0
    first_error: str = ""
    killed: bool = False
    trace_name: str = ""

    def read(self, line: str) -> None:
        message = _COLOUR.sub("", line)
        if self.first_error == _NAMELESS:
            self.first_error = message.strip()
        if found := LOG_LINE.match(message) or _PRINTED.match(message):
            message = found["message"]
            self._complain(found["level"], message)
        for pattern, take in _TAKERS:
            if found := pattern.match(message):
                take(self, found)
                return

    def _complain(self, level: str, message: str) -> None:
        if level == "WARN":
            self.warn_count += 1
            self.last_warn = message
        elif level == "ERROR":
            self.error_count += 1
            self.first_error = self.first_error or message

    def submit(self, found: re.Match[str]) -> None:
        kind = self.cached if found["how"] == "Cached" else self.submitted
        kind.add(found["hash"])

    def send(self, found: re.Match[str]) -> None:
        if found["grid"] != "SLURM":
            return
        job = found["job"]
        self.slurm_jobs[job] = {"job_id": job, "name": found["name"], "exit": None}

    def end(self, found: re.Match[str]) -> None:
        exit_status = exit_code(found["exit"])
        if found["job"] in self.slurm_jobs:
            self.slurm_jobs[found["job"]]["exit"] = exit_status
        if not exit_status and found["error"] == "-":
            self.ended.completed += 1
            return
        self.ended.failed += 1
        if len(self.ended.failures) < MAX_FAILURES:
            parts = Path(found["workdir"]).parts[-2:]
            name = {"name": found["name"], "exit": exit_status}
            self.ended.failures.append(name | {"hash": "/".join(parts)[:9]})

    def go_on(self, found: re.Match[str]) -> None:
        if found["what"].startswith("Error"):
            self.ignored += 1
        else:
            self.retries += 1

    def finish(self, found: re.Match[str]) -> None:
        self.stats = counters_of(found["pairs"])

    def be_killed(self, found: re.Match[str]) -> None:
        self.killed = True

    def name_trace(self, found: re.Match[str]) -> None:
        self.trace_name = Path(found["path"].strip()).name

    def draw(self, found: re.Match[str]) -> None:
        retries = int(found["retries"] or 0)
        counts = int(found["done"]) - retries, int(found["total"]) - retries
        self.drawn[found["process"]] = counts


_TAKERS: tuple[tuple[re.Pattern[str], Callable[[_Log, re.Match[str]], None]], ...] = (
    (SUBMITTED, _Log.submit),
    (ENDED, _Log.end),
    (SENT, _Log.send),
    (AGAIN, _Log.go_on),
    (STATS, _Log.finish),
    (KILLED, _Log.be_killed),
    (TRACE, _Log.name_trace),
    (_DRAWN, _Log.draw),
)


def parse_nf_log(path: str | PathLike[str]) -> dict[str, Any]:
    """How far a run is, and what went wrong, from its log.

    `progress` is {pct, done, total} or None when the log names no task; `slurm_jobs`
    are {job_id, name, exit or None}, in order; `killed` says that a signal ended the
    run; `failures` are the first five as {name, exit, hash}. Of the tasks that have
    ended, the trace file beside the log knows better, and wins.
    """
    log = _Log()
    place = Path(path)
    for line in lines(place):
        log.read(line)
    ended, counters = log.ended, _counters(log, log.ended)
    trace = read_trace(_trace_of(log, place))
    if trace.total:
        ended, counters = trace, _counters(log, trace)
    return {
        "progress": _progress(counters, log),
        "slurm_jobs": list(log.slurm_jobs.values()),
        "warn_count": log.warn_count,
        "last_warn": log.last_warn,
        "error_count": log.error_count,
        "first_error": log.first_error,
        "killed": log.killed,
        "failures": ended.failures,
    }


def _trace_of(log: _Log, place: Path) -> Path:
    if log.trace_name:
        return place.with_name(log.trace_name)
    return trace_path_for_log(place)


def _counters(log: _Log, ended: Ended) -> Counters:
    """Nextflow's own sum at the end; before it, what we have counted."""
    if log.stats is not None:
        return log.stats
    cached = max(len(log.cached), ended.cached)
    settled = ended.completed + ended.failed + ended.aborted
    return Counters(
        running=max(0, len(log.submitted) - settled),
        succeeded=ended.completed,
        failed=ended.failed,
        cached=cached,
        ignored=log.ignored,
        retries=log.retries,
        aborted=ended.aborted,
    )


def _progress(counters: Counters, log: _Log) -> dict[str, int] | None:
    done = done_of(counters, ended=log.stats is not None)
    if done.total:
        return {"pct": done.percent, "done": done.done, "total": done.total}
    total = sum(total for _, total in log.drawn.values())
    if not total:
        return None
    settled = sum(done for done, _ in log.drawn.values())
    return {"pct": 100 * settled // total, "done": settled, "total": total}
