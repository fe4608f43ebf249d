"""Nextflow's trace file as a table, and its records as tasks.

A line of names, then one record for each task that has ended, flushed at once. What
separates fields is the user's choice (`trace.sep`), as are the columns. Fields are
written as they are: tags and scripts may span lines. With `trace.raw` numbers are ms,
bytes and ms since 1970; else they are written for people. Sources: TraceFileObserver
and TraceRecord of Nextflow 24.10; tests/data/nextflow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from turret.engine import values
from turret.engine.log_lines import hash_of, parts_of, quantity
from turret.engine.records import Task
from turret.words import ErrorAction, TaskStatus

Row = dict[str, str]

SEPARATORS = ("\x1f", "\t")
# Of a record; a script may be long.
MAX_RECORD = 1 << 20
_NO_VALUE = ("", "-")
_MOST_COLUMNS = 200
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d) ?)+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, slots=True)
class Table:
    """What the first line says."""

    names: tuple[str, ...]
    separator: str

    @property
    def is_trace(self) -> bool:
        return "status" in self.names

    @property
    def is_usual(self) -> bool:
        """A record can be told from the middle of another by how it begins."""
        return self.names[:2] == ("task_id", "hash")

    def begins(self, line: str) -> bool:
        """Is it the first line of a record, in a usual table?"""
        first, _, rest = line.partition(self.separator)
        number = first.removeprefix("-")
        return number.isascii() and number.isdecimal() and rest[2:3] in ("/", "")

    def row(self, record: str) -> Row:
        fields = record.split(self.separator)
        self._mend_name(fields)
        more = len(fields) - len(self.names)
        if more > 0 and "script" in self.names:
            # The separator is in the script, most likely.
            self._join(fields, self.names.index("script"), more)
        elif more < 0:
            fields.pop()  # it may be cut, as the record is
        return dict(zip(self.names, fields, strict=False))

    def _mend_name(self, fields: list[str]) -> None:
        """Put together a tag that holds separators, and the name that holds it; there
        is no status where it should be."""
        names = self.names
        status = names.index("status") if "status" in names else 0
        found = (at for at, one in enumerate(fields) if at >= status and is_status(one))
        more = next(found, status) - status
        if not more or names[:status][-1:] != ("name",):
            return
        in_tag = more // 2 if names[status - 2] == "tag" else 0
        self._join(fields, status - 1 + in_tag, more - in_tag)
        self._join(fields, status - 2, in_tag)

    def _join(self, fields: list[str], first: int, more: int) -> None:
        last = first + more + 1
        fields[first:last] = [self.separator.join(fields[first:last])]


def read_names(line: str) -> Table:
    """Of a trace file's first line."""
    separator = next((one for one in SEPARATORS if one in line), "\t")
    names = line.rstrip("\r\n").split(separator)[:_MOST_COLUMNS]
    return Table(tuple(name.strip() for name in names), separator)


class Records:
    """Lines of a table, put together to records."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._lines: list[str] = []
        self._size = self._separators = 0

    @property
    def is_waiting(self) -> bool:
        """The last record may not be all there."""
        return bool(self._lines)

    def add(self, line: str) -> list[Row]:
        """The records that are whole now; the one before the line may be cut off."""
        table, whole = self.table, []
        if table.is_usual:
            if table.begins(line):
                whole = self.rest()
            elif not self._lines:
                return []  # the end of one whose beginning was not understood
        self._lines.append(line)
        self._size += len(line)
        self._separators += line.count(table.separator)
        if self._separators >= len(table.names) - 1 or self._size > MAX_RECORD:
            whole += self.rest()
        return whole

    def rest(self) -> list[Row]:
        """The record that waits, as it is."""
        if not self._lines:
            return []
        row = self.table.row("\n".join(self._lines))
        self._lines.clear()
        self._size = self._separators = 0
        return [row]


def is_status(text: str) -> bool:
    return text in _STATUSES


def task_of(row: Row) -> Task | None:
    """The task of a record; None when nothing says which one. A record without an id
    has one made of its hash."""
    known = {name: text for name, text in row.items() if text not in _NO_VALUE}
    task_id = values.int64(known.get("task_id"))
    if task_id is None and "hash" in known:
        task_id = id_of_hash(known["hash"])
    if task_id is None or "status" not in known:
        return None
    task = Task(task_id)
    for name, text in known.items():
        if name in _READERS:
            field, read = _READERS[name]
            setattr(task, field, read(text))
    _fill(task)
    return task


def id_of_hash(short: str) -> int | None:
    """An id for a task whose own is not known: negative, of its `ab/123456`."""
    try:
        return -1 - int(short.replace("/", "", 1), 16) if len(short) == 9 else None
    except ValueError:
        return None


def _fill(task: Task) -> None:
    process, tag = parts_of(task.name)
    task.process = task.process or process
    task.tag = task.tag or tag
    task.hash = task.hash or hash_of(task.workdir)


def _number(text: str) -> int | None:
    number = values.int64(text)
    return quantity(text) if number is None else number


def _percent(text: str) -> float | None:
    return values.real(text.removesuffix("%"))


def _time(text: str) -> datetime | None:
    """ms since 1970, or a local time as people write it."""
    since = values.int64(text)
    try:
        if since is None:
            return datetime.fromisoformat(text).astimezone(UTC)
        return datetime.fromtimestamp(since / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _ms(text: str) -> int | None:
    """A duration, raw or as `1h 2m 3.5s`."""
    raw = values.int64(text)
    if raw is not None or len(text) > 60 or not _DURATION.fullmatch(text):
        return raw
    total = sum(float(number) * _MS[unit] for number, unit in _PART.findall(text))
    return values.int64(float(round(total)))


def _status(text: str) -> TaskStatus:
    return _STATUSES.get(text.upper(), TaskStatus.OTHER)


def _action(text: str) -> ErrorAction | None:
    return _ACTIONS.get(text.upper())


_STATUSES = {status.upper(): status for status in TaskStatus}
_ACTIONS = {action.upper(): action for action in ErrorAction}
_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "hash": ("hash", str),
    "native_id": ("native_id", str),
    "process": ("process", str),
    "tag": ("tag", str),
    "name": ("name", str),
    "status": ("status", _status),
    "exit": ("exit", values.exit_status),
    "module": ("module", str),
    "container": ("container", str),
    "cpus": ("cpus", values.int64),
    "time": ("time_ms", _ms),
    "disk": ("disk_bytes", _number),
    "memory": ("memory_bytes", _number),
    "attempt": ("attempt", values.int64),
    "submit": ("submitted_at", _time),
    "start": ("started_at", _time),
    "complete": ("completed_at", _time),
    "duration": ("duration_ms", _ms),
    "realtime": ("realtime_ms", _ms),
    "queue": ("queue", str),
    "%cpu": ("pcpu", _percent),
    "%mem": ("pmem", _percent),
    "rss": ("rss_bytes", _number),
    "vmem": ("vmem_bytes", _number),
    "peak_rss": ("peak_rss_bytes", _number),
    "peak_vmem": ("peak_vmem_bytes", _number),
    "rchar": ("rchar", _number),
    "wchar": ("wchar", _number),
    "syscr": ("syscr", _number),
    "syscw": ("syscw", _number),
    "read_bytes": ("read_bytes", _number),
    "write_bytes": ("write_bytes", _number),
    "vol_ctxt": ("vol_ctxt", _number),
    "inv_ctxt": ("inv_ctxt", _number),
    "env": ("env", str),
    "workdir": ("workdir", str),
    "script": ("script", str),
    "scratch": ("scratch", str),
    "error_action": ("error_action", _action),
    "hostname": ("hostname", str),
    "cpu_model": ("cpu_model", str),
}
