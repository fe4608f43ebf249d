"""What the log of a run says, before its trace file does.

The log knows first that a task was submitted, but not its id; until that is known,
its id is one made of its hash.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from turret.engine.launching.followed import Followed, News
from turret.engine.launching.pieces import Piece
from turret.engine.log_lines import (
    AGAIN,
    ENDED,
    KILLED,
    LISTED,
    LOG_LINE,
    SENT,
    STATS,
    SUBMITTED,
    counters_of,
    hash_of,
    moment,
    parts_of,
)
from turret.engine.records import Run, Task
from turret.engine.trace_file import exit_code
from turret.engine.trace_table import id_of_hash
from turret.engine.values import int64
from turret.words import ErrorAction, TaskStatus

_MOST_PROCESSES = 1_000
_MOST_SENT = 1_000
_LONGEST_NAME = 600
_LONGEST_COMMAND = 10_000

_COMMAND = re.compile(r"\$> (?P<command>.*)")
_VERSION = re.compile(r"N E X T F L O W  ~  version (?P<version>\S{1,100})")
_LAUNCHING = re.compile(
    r"Launching `(?P<source>.*)` \[(?P<name>[^\]]*)\] DSL\d - revision: "
    r"(?P<commit>[0-9a-f]{1,40})(?: \[(?P<revision>[^\]]*)\])?"
)
_SESSION = re.compile(r"Session UUID: (?P<session>[0-9a-f-]{36})")
_NAME = re.compile(r"Run name: (?P<name>\S{1,255})")
_WORK_DIR = re.compile(r"Work-dir: (?P<path>/.*?)(?: \[[^\]]*\])?$")
_PROCESS = re.compile(r"Starting process > (?P<name>\S+)")
_PROFILE = re.compile(r"Applying config profile: `(?P<profile>[^`]*)`")


class LogReader:
    """Takes what matters of the new lines of a log."""

    def __init__(self, after: Followed, news: News, piece: Piece) -> None:
        self.after = after
        self.news = news
        self.piece = piece
        self.written_at = datetime.fromtimestamp(piece.written_s, UTC)
        self.stamp = ""

    def read(self) -> None:
        after, piece = self.after, self.piece
        if piece.begins_anew:
            after.processes, after.sent = [], []
            after.signal, after.error_at, after.stats = "", None, None
            after.ended_at = ""
        for line, offset in zip(piece.lines, piece.offsets, strict=False):
            if found := LOG_LINE.match(line):
                self.stamp = found["at"]
                if found["level"] == "ERROR":
                    after.error_at = offset
                self._take(found["message"])
            elif found := LISTED.match(line):
                self.be_listed(found)
        after.log = piece.mark(len(piece.lines))

    def _take(self, message: str) -> None:
        for pattern, take in _TAKERS:
            if found := pattern.match(message):
                take(self, found)
                return

    @property
    def run(self) -> Run:
        if self.news.run is None:
            self.news.run = Run()
        return self.news.run

    @property
    def at(self) -> datetime | None:
        return moment(self.stamp, self.written_at)

    def send(self, found: re.Match[str]) -> None:
        short = hash_of(found["workdir"])
        self._wait(
            short,
            found["name"],
            TaskStatus.SUBMITTED,
            native_id=found["job"],
            workdir=found["workdir"],
            submitted_at=self.at,
        )
        self.after.sent = [*self.after.sent, short][-_MOST_SENT:]

    def submit(self, found: re.Match[str]) -> None:
        if found["how"] == "Cached":
            return
        short = found["hash"]
        if short in self.after.sent:
            self.after.sent.remove(short)
            return
        # Here nothing waits: it has been started.
        times = {"submitted_at": self.at, "started_at": self.at}
        self._wait(short, found["name"], TaskStatus.RUNNING, **times)

    def be_listed(self, found: re.Match[str]) -> None:
        if found["status"] == "RUNNING":
            short = hash_of(found["workdir"])
            self._wait(short, found["name"], TaskStatus.RUNNING)

    def _wait(self, short: str, name: str, status: TaskStatus, **known: Any) -> None:
        task_id = id_of_hash(short)
        if task_id is None:
            return
        process, tag = parts_of(name)
        process = process[:_LONGEST_NAME]
        self.news.of_log[task_id] = Task(
            task_id, status, short, name, process, tag, **known
        )

    def end(self, found: re.Match[str]) -> None:
        task_id = int64(found["id"])
        if task_id is None:
            return
        exit_status = exit_code(found["exit"])
        is_well = not exit_status and found["error"] == "-"
        process, tag = parts_of(found["name"])
        short = hash_of(found["workdir"])
        self.news.of_log.pop(id_of_hash(short) or 0, None)
        self.news.of_log[task_id] = Task(
            task_id,
            TaskStatus.COMPLETED if is_well else TaskStatus.FAILED,
            short,
            found["name"],
            process[:_LONGEST_NAME],
            tag,
            exit_status,
            completed_at=self.at,
            workdir=found["workdir"],
            native_id=found["job"] or "",
        )

    def go_on(self, found: re.Match[str]) -> None:
        ignored = found["what"].startswith("Error")
        action = ErrorAction.IGNORE if ignored else ErrorAction.RETRY
        self.news.actions[found["hash"]] = action

    def finish(self, found: re.Match[str]) -> None:
        self.after.stats = asdict(counters_of(found["pairs"]))
        self.after.ended_at = self.at.isoformat() if self.at else ""

    def be_killed(self, found: re.Match[str]) -> None:
        self.after.signal = found["signal"]

    def start_process(self, found: re.Match[str]) -> None:
        name = found["name"][:_LONGEST_NAME]
        known = self.after.processes
        if name not in known and len(known) < _MOST_PROCESSES:
            known.append(name)

    def say_command(self, found: re.Match[str]) -> None:
        self.run.command_line = found["command"][:_LONGEST_COMMAND]

    def say_version(self, found: re.Match[str]) -> None:
        self.run.nextflow_version = found["version"]

    def say_source(self, found: re.Match[str]) -> None:
        self.run.run_name = found["name"][:255]
        if "://" in found["source"]:
            self.run.repository = found["source"]
            self.run.commit_id = found["commit"]
            self.run.revision = found["revision"] or ""
        else:
            self.run.script_file = found["source"]
            self.run.script_id = found["commit"]

    def say_session(self, found: re.Match[str]) -> None:
        self.run.session_id = found["session"]
        self.run.started_at = self.at

    def say_name(self, found: re.Match[str]) -> None:
        self.run.run_name = found["name"]

    def say_work_dir(self, found: re.Match[str]) -> None:
        self.run.work_dir = found["path"]

    def say_profile(self, found: re.Match[str]) -> None:
        # What applies when none is asked for.
        if found["profile"] != "standard":
            self.run.profile = found["profile"]


_TAKERS: tuple[
    tuple[re.Pattern[str], Callable[[LogReader, re.Match[str]], None]], ...
] = (
    (SUBMITTED, LogReader.submit),
    (ENDED, LogReader.end),
    (SENT, LogReader.send),
    (AGAIN, LogReader.go_on),
    (STATS, LogReader.finish),
    (KILLED, LogReader.be_killed),
    (_PROCESS, LogReader.start_process),
    (_COMMAND, LogReader.say_command),
    (_VERSION, LogReader.say_version),
    (_LAUNCHING, LogReader.say_source),
    (_SESSION, LogReader.say_session),
    (_NAME, LogReader.say_name),
    (_WORK_DIR, LogReader.say_work_dir),
    (_PROFILE, LogReader.say_profile),
)
