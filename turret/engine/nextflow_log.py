"""Nextflow's log: `.nextflow.log`, or what `nextflow run` printed.

Lines of the log are `Nov-22 14:12:36.307 [thread] LEVEL logger - message`. Sources:
logs that Nextflow 24.10 wrote, and its GridTaskHandler, TaskHandler, TaskProcessor,
WorkflowStats, AnsiLogObserver.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

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

_LOG_LINE = re.compile(
    r"[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d\.\d{3} \[[^\]]*\] "
    r"(?P<level>[A-Z]{4,5}) +\S+ - (?P<message>.*)"
)
_PRINTED = re.compile(r"(?P<level>WARN|ERROR)(?:: | ~ )(?P<message>.*)")
_SUBMITTED = re.compile(
    r"\[(?P<hash>[0-9a-f]{2}/[0-9a-f]{6})\] (?P<how>Submitted|Re-submitted|Cached)"
    r" process > "
)
_SENT = re.compile(
    r"\[SLURM\] submitted process (?P<name>.+) > jobId: (?P<job>[^;\s]{1,64}); "
    r"workDir: "
)
_ENDED = re.compile(
    r"Task completed > TaskHandler\[(?:jobId: (?P<job>[^;\s]{1,64}); )?id: \d+; "
    r"name: (?P<name>.*); status: \w+; exit: (?P<exit>\S+); error: (?P<error>.*?); "
    r"workDir: (?P<workdir>[^\]\s]+)"
)
_AGAIN = re.compile(r"\[.{9}\] NOTE: .* -- (?P<what>Execution is retried|Error is ign)")
_STATS = re.compile(r"Workflow completed > WorkflowStats\[(?P<pairs>.*)")
_STAT = re.compile(r"\b(\w{1,40})Count=(-?\d{1,9});")
_KILLED = re.compile(r"Session aborted -- Cause: SIG[A-Z]+")
_TRACE = re.compile(r"Workflow started -- trace file: (?P<path>.+)")
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
        if found := _LOG_LINE.match(message) or _PRINTED.match(message):
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
        known = {name: int(count) for name, count in _STAT.findall(found["pairs"])}
        self.stats = Counters(
            succeeded=known.get("succeeded", 0),
            failed=known.get("failed", 0),
            cached=known.get("cached", 0),
            ignored=known.get("ignored", 0),
            retries=known.get("retries", 0),
            aborted=known.get("aborted", 0),
        )

    def be_killed(self, found: re.Match[str]) -> None:
        self.killed = True

    def name_trace(self, found: re.Match[str]) -> None:
        self.trace_name = Path(found["path"].strip()).name

    def draw(self, found: re.Match[str]) -> None:
        retries = int(found["retries"] or 0)
        counts = int(found["done"]) - retries, int(found["total"]) - retries
        self.drawn[found["process"]] = counts


_TAKERS: tuple[tuple[re.Pattern[str], Callable[[_Log, re.Match[str]], None]], ...] = (
    (_SUBMITTED, _Log.submit),
    (_ENDED, _Log.end),
    (_SENT, _Log.send),
    (_AGAIN, _Log.go_on),
    (_STATS, _Log.finish),
    (_KILLED, _Log.be_killed),
    (_TRACE, _Log.name_trace),
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
