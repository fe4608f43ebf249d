"""Runs of nextflow-turret, from its SQLite database.

`runs(workflow_id, batch_id, run_name, complete, task_counts, processes, resources,
failures, started_at, updated_at)`: lists and objects as JSON text, times as seconds
since 1970; `launches(launch_id, ...)`.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turret.engine.body import BadBody, parse
from turret.engine.records import Counters, JsonObject, Progress
from turret.engine.trace import read_progress, read_update
from turret.services.importing import OldRun

LIMIT_BYTES = 10**9
# Of one value; the old service took bodies of 100 kB.
LIMIT_CELL_BYTES = 16 << 20
_LIMIT_NAME = 255
_JSON = ("task_counts", "processes", "resources", "failures")
_COLUMNS = (
    "workflow_id",
    "batch_id",
    "run_name",
    "complete",
    "started_at",
    "updated_at",
    *_JSON,
)
_SELECT_RUNS = f"SELECT {', '.join(_COLUMNS)} FROM runs ORDER BY rowid"  # noqa: S608


class DatabaseUnreadable(Exception):
    """The message says what is wrong with the file."""


class _BadValue(ValueError):
    """Of a run; the message begins with its column."""


@dataclass(frozen=True, slots=True)
class BadRun:
    """A run that can't be read; why, with its id."""

    why: str


@dataclass(frozen=True, slots=True)
class OldDatabase:
    runs: list[OldRun | BadRun]
    launches: int


def read_database(path: Path) -> OldDatabase:
    """All of its runs, in the order in which they came. Changes nothing.

    Raises DatabaseUnreadable.
    """
    _check_file(path)
    try:
        with closing(_connect(path)) as connection:
            _check_whole(connection)
            runs = [_run(row) for row in connection.execute(_SELECT_RUNS)]
            return OldDatabase(runs, _count_launches(connection))
    except sqlite3.Error as error:
        raise DatabaseUnreadable(f"it can't be read as SQLite: {error}") from None


def _check_file(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as error:
        raise DatabaseUnreadable(f"it can't be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise DatabaseUnreadable("it is not a regular file")
    if status.st_size > LIMIT_BYTES:
        raise DatabaseUnreadable(
            f"it has {status.st_size:,} bytes, and {LIMIT_BYTES:,} are the most that"
            " can be read"
        )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LIMIT_CELL_BYTES)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.row_factory = sqlite3.Row
    # What the schema of somebody's file calls must not run here.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _check_whole(connection: sqlite3.Connection) -> None:
    """Raises DatabaseUnreadable, and sqlite3.Error where there is no database."""
    found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise DatabaseUnreadable(f"it is damaged: {found.splitlines()[0]}")
    columns = _columns_of(connection, "runs")
    if not columns:
        raise DatabaseUnreadable("it has no table runs: it is not of nextflow-turret")
    if missing := [name for name in _COLUMNS if name not in columns]:
        raise DatabaseUnreadable(f"its table runs has no column {', '.join(missing)}")


def _columns_of(connection: sqlite3.Connection, table: str) -> set[str]:
    """Of a table, not of a view, which could be anything."""
    tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    if connection.execute(tables, [table]).fetchone() is None:
        return set()
    names = "SELECT name FROM pragma_table_info(?)"
    return {row["name"] for row in connection.execute(names, [table])}


def _count_launches(connection: sqlite3.Connection) -> int:
    if not _columns_of(connection, "launches"):
        return 0
    return int(connection.execute("SELECT count(*) FROM launches").fetchone()[0])


def _run(row: sqlite3.Row) -> OldRun | BadRun:
    name = str(row["workflow_id"])[:_LIMIT_NAME]
    try:
        return _read(row)
    except (BadBody, _BadValue) as error:
        return BadRun(f"{name}: {error}")


def _read(row: sqlite3.Row) -> OldRun:
    """Raises BadBody, _BadValue."""
    # Cleaned as what a trace call sends: PostgreSQL takes no U+0000.
    run = parse(json.dumps(dict(zip(row.keys(), _values(row), strict=True))).encode())
    workflow_id, run_name = _name(run, "workflow_id"), _name(run, "run_name")
    if not workflow_id:
        raise _BadValue("it has no workflow_id")
    updated_at = _time(run, "updated_at")
    tasks = [one for one in run["failures"] or [] if isinstance(one, dict)]
    failed = {"tasks": [{**one, "status": "FAILED"} for one in tasks]}
    return OldRun(
        workflow_id=workflow_id,
        batch_id=_name(run, "batch_id") or run_name or workflow_id,
        run_name=run_name,
        is_complete=bool(run["complete"]),
        started_at=min(_time(run, "started_at"), updated_at),
        updated_at=updated_at,
        progress=_progress(run),
        failures=read_update(failed).tasks,
    )


def _values(row: sqlite3.Row) -> Iterator[Any]:
    for name in row.keys():  # noqa: SIM118 - iterating a row yields its values
        value = row[name]
        if isinstance(value, bytes):
            raise _BadValue(f"{name}: bytes are no text")
        if name not in _JSON or value is None:
            yield value
            continue
        try:
            yield json.loads(value)
        except (TypeError, ValueError, RecursionError):
            raise _BadValue(f"{name}: it is no JSON") from None


def _name(run: JsonObject, key: str) -> str:
    value = "" if run[key] is None else str(run[key])
    if len(value) > _LIMIT_NAME:
        raise _BadValue(f"{key}: it has more than {_LIMIT_NAME} characters")
    return value


def _time(run: JsonObject, key: str) -> dt.datetime:
    value = run[key]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BadValue(f"{key}: it is no number of seconds since 1970")
    try:
        time = dt.datetime.fromtimestamp(value, dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise _BadValue(f"{key}: it is no time") from None
    # The first and the last year can't be shown in every time zone.
    if not 1970 <= time.year < 2100:
        raise _BadValue(f"{key}: it is no time")
    return time


def _progress(run: JsonObject) -> Progress:
    """Its columns put together as Nextflow had sent them. What was retried or ignored
    it counted by process only."""
    processes = run["processes"] if isinstance(run["processes"], list) else []
    parts = [run["task_counts"], run["resources"]]
    whole = {"processes": processes}
    for part in parts:
        whole |= part if isinstance(part, dict) else {}
    progress = read_progress({"pending": 0, **whole}) or Progress(Counters())
    for name in ("ignored", "retries"):
        if name not in whole:
            total = sum(getattr(one, name) for one in progress.processes)
            setattr(progress.counters, name, total)
    return progress
