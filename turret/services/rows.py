"""The SQL of the trace: rows of a locked workflow, one statement for each kind.

Django's own way costs several times as much for sixty tasks a request, which comes
every second from each run. Column names are the field names of engine.records.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterable
from dataclasses import Field, dataclass, fields
from operator import attrgetter
from typing import Any

from django.db import DataError, connection, transaction

from turret.engine.records import Counters, Process, Task
from turret.errors import UnknownWorkflow
from turret.services.callers import Caller
from turret.words import TaskStatus

log = logging.getLogger(__name__)

# What PostgreSQL, or the way to it, makes of values that don't fit.
BAD_DATA = (DataError, UnicodeError)

_SQL_TYPES = {
    "str": "text",
    "TaskStatus": "text",
    "ErrorAction | None": "text",
    "int": "bigint",
    "int | None": "bigint",
    "float | None": "double precision",
    "bool": "boolean",
    "datetime | None": "timestamptz",
    "JsonObject": "jsonb",
}
_NEVER_NULL = "text"  # the columns of texts hold '' for what is not known

_encode = json.JSONEncoder(default=str, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Held:
    """A workflow whose row this transaction has locked."""

    pk: int
    owner_id: int | None
    token_digest: str
    status: str
    stalled_at: dt.datetime | None
    ended_at: dt.datetime | None
    progress_instant: int | None
    runfolder_id: int | None
    run_name: str


def _columns(record: type[Task | Process]) -> list[tuple[str, str]]:
    """The record's (column, SQL type)."""
    return [(f'"{field.name}"', _SQL_TYPES[str(field.type)]) for field in _of(record)]


def _of(record: type[Task | Process | Counters]) -> tuple[Field[Any], ...]:
    return fields(record)


def _names(columns: list[tuple[str, str]], of: str = "") -> str:
    return ", ".join(f"{of}{name}" for name, _ in columns)


def _sent(columns: list[tuple[str, str]], place: str = "%s") -> str:
    """The records that a parameter holds as JSON, as the table `sent`."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns)
    return f"json_to_recordset({place}::json) AS sent({typed})"


def _values(columns: list[tuple[str, str]]) -> str:
    return ", ".join(
        f"coalesce(sent.{name}, '')"
        if kind == _NEVER_NULL
        else f"nullif(sent.{name}, '{{}}')"
        if kind == "jsonb"
        else f"sent.{name}"
        for name, kind in columns
    )


def _first(column: tuple[str, str], winner: str, other: str) -> str:
    """What the winner says, or else the other."""
    name, kind = column
    if kind == "text":
        return f"coalesce(nullif({winner}.{name}, ''), {other}.{name}, '')"
    if kind == "jsonb":
        both = f"{other}.{name} || {winner}.{name}"
        return f"coalesce({both}, {winner}.{name}, {other}.{name})"
    return f"coalesce({winner}.{name}, {other}.{name})"


def _rank(table: str) -> str:
    whens = " ".join(f"WHEN '{word}' THEN {word.rank}" for word in TaskStatus)
    return f"CASE {table}.status {whens} END"


_TASK = _columns(Task)
_DETAILS = [column for column in _TASK if column[0] not in ('"task_id"', '"status"')]
_tuple_of_task = attrgetter(*(field.name for field in _of(Task)))
_TASK_NAMES = tuple(field.name for field in _of(Task))

# Of what was said of a task, the highest status counts, then the newest body. What
# it doesn't say stays as another one said it.
_STORE_TASKS = f"""
INSERT INTO turret_workflowtask AS stored (workflow_id, instant, {_names(_TASK)})
SELECT %s, %s, {_values(_TASK)} FROM {_sent(_TASK)}
ON CONFLICT (workflow_id, task_id) DO UPDATE SET
  instant = excluded.instant, status = excluded.status,
  {", ".join(f"{c[0]} = {_first(c, 'excluded', 'stored')}" for c in _DETAILS)}
WHERE ({_rank("excluded")}, excluded.instant) >= ({_rank("stored")}, stored.instant)
"""  # noqa: S608 - of our own words

_FILL_TASKS = f"""
UPDATE turret_workflowtask AS stored SET
  {", ".join(f"{c[0]} = {_first(c, 'stored', 'sent')}" for c in _DETAILS)}
FROM {_sent(_TASK)}
WHERE stored.workflow_id = %s AND stored.task_id = sent.task_id
  AND ({_rank("sent")}, %s) < ({_rank("stored")}, stored.instant)
"""  # noqa: S608 - of our own words

_PROCESS = [
    (name, "integer" if name == '"index"' else kind) for name, kind in _columns(Process)
]
_tuple_of_process = attrgetter(*(field.name for field in _of(Process)))
_PROCESS_NAMES = tuple(field.name for field in _of(Process))

_STORE_PROCESSES = f"""
INSERT INTO turret_workflowprocess AS stored (workflow_id, {_names(_PROCESS)})
SELECT %s, {_names(_PROCESS, "sent.")} FROM {_sent(_PROCESS)}
ON CONFLICT (workflow_id, name) DO UPDATE SET
  {", ".join(f"{name} = excluded.{name}" for name, _ in _PROCESS)}
WHERE ({_names(_PROCESS, "stored.")}) IS DISTINCT FROM ({_names(_PROCESS, "excluded.")})
"""  # noqa: S608 - of our own words

_HOLD = f"""
SELECT id, {", ".join(f.name for f in fields(Held)[1:])} FROM turret_workflow
WHERE workflow_id = %s FOR NO KEY UPDATE
"""  # noqa: S608 - of our own words

COUNTERS = tuple(field.name for field in _of(Counters))
_tuple_of_counters = attrgetter(*COUNTERS)

_SEEN = """
UPDATE turret_workflow SET last_seen_at = %s, stalled_at = NULL, status = %s,
  status_since = CASE WHEN status = %s THEN status_since ELSE %s END
"""
_SET_SEEN = f"{_SEEN} WHERE id = %s"
_SET_COUNTERS = f"""{_SEEN}, progress_instant = %s,
  {", ".join(f"{name} = %s" for name in COUNTERS)}
WHERE id = %s"""


def hold(workflow_id: str, caller: Caller) -> Held:
    """Lock the workflow until the end of the transaction: before all else, so that
    calls of one run follow one another and can't block each other for ever.

    Raises UnknownWorkflow, also if it is another's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [workflow_id])
        row = cursor.fetchone()
    held = Held(*row) if row else None
    if held is None or not caller.may_write(held.owner_id, held.token_digest):
        raise UnknownWorkflow(f"There is no workflow {workflow_id[:80]} of yours.")
    return held


def store_tasks(
    pk: int, tasks: Iterable[Task], instant: int, *, one_by_one: bool = False
) -> None:
    """As a body of that instant (client's clock, ms) says them.

    One by one, of a task that does not fit only id and status are kept.
    """
    if not one_by_one:
        _store_tasks(pk, tasks, instant)
        return
    for task in tasks:
        for kept in (task, Task(task.task_id, task.status)):
            try:
                with transaction.atomic():
                    _store_tasks(pk, [kept], instant)
                break
            except BAD_DATA as error:
                log.warning("Task %s does not fit: %s", task.task_id, error)


def _store_tasks(pk: int, tasks: Iterable[Task], instant: int) -> None:
    # A statement can't touch a row twice; the last one counts.
    sent = {task.task_id: task for task in tasks}
    body = _encode(
        [
            dict(zip(_TASK_NAMES, _tuple_of_task(task), strict=True))
            for task in sent.values()
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(_STORE_TASKS, [pk, instant, body])
        if cursor.rowcount < len(sent):
            cursor.execute(_FILL_TASKS, [body, pk, instant])


def store_processes(
    pk: int, processes: Iterable[Process], *, one_by_one: bool = False
) -> None:
    """In place of what was known of them. One by one, what does not fit is left out."""
    if not one_by_one:
        _store_processes(pk, processes)
        return
    for process in processes:
        try:
            with transaction.atomic():
                _store_processes(pk, [process])
        except BAD_DATA as error:
            log.warning("Process %s does not fit: %s", process.name, error)


def _store_processes(pk: int, processes: Iterable[Process]) -> None:
    sent = {process.name: process for process in processes}
    body = _encode(
        [
            dict(zip(_PROCESS_NAMES, _tuple_of_process(process), strict=True))
            for process in sent.values()
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(_STORE_PROCESSES, [pk, body])


def mark_seen(
    pk: int,
    at: dt.datetime,
    status: str,
    counters: Counters | None = None,
    instant: int | None = None,
) -> None:
    """A call has come; with counters, these are as of the instant."""
    values: list[Any] = [at, status, status, at]
    statement = _SET_SEEN
    if counters is not None:
        statement = _SET_COUNTERS
        values += [instant, *_tuple_of_counters(counters)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, pk])
