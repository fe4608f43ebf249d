"""Rows of a workflow whose row is locked, one statement for each kind of them.

Every run sends up to a hundred tasks each second. So the statements are prepared, and
pydantic writes the JSON: together they halve what sixty tasks cost.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import psycopg
from django.db import DataError, connection, transaction
from pydantic import TypeAdapter

from turret.engine.records import Counters, Process, Task
from turret.errors import UnknownWorkflow
from turret.services import statements
from turret.services.callers import Caller

log = logging.getLogger(__name__)

# So long a call waits for the ones before it: less than clients wait for an answer.
LOCK_PATIENCE = "20s"
# What PostgreSQL, or the way to it, makes of values that don't fit.
BAD_DATA = (DataError, ValueError)

_TASKS = TypeAdapter(list[Task])
_PROCESSES = TypeAdapter(list[Process])
values_of = attrgetter(*statements.COUNTERS)


@dataclass(frozen=True, slots=True)
class Held:
    """A workflow whose row this transaction has locked; statements.HELD."""

    pk: int
    owner_id: int | None
    token_digest: str
    status: str
    stalled_at: dt.datetime | None
    begun_at: dt.datetime | None
    ended_at: dt.datetime | None
    progress_instant: int | None
    run_name: str


def hold(workflow_id: str, caller: Caller) -> Held:
    """Lock the workflow until the end of the transaction, before anything else: calls
    of one run follow one another, and can't wait for each other in a circle.

    Raises UnknownWorkflow, also if it is another's, and OperationalError after
    LOCK_PATIENCE.
    """
    # PostgreSQL takes neither U+0000 nor lone surrogates.
    if workflow_id.isprintable():
        row = execute(statements.HOLD, [LOCK_PATIENCE, workflow_id]).fetchone()
        held = Held(*row) if row else None
        if held and caller.may_write(held.owner_id, held.token_digest):
            return held
    raise UnknownWorkflow(f"There is no workflow {workflow_id[:80]!r} of yours.")


def store_tasks(
    pk: int, tasks: Iterable[Task], instant: int, *, one_by_one: bool = False
) -> None:
    """As a body of that instant (client's clock, ms) says them.

    Of what was said of a task the highest status counts, then the newest body. What
    it does not say stays as another said it, also one that comes later.

    One by one, of a task that does not fit only id and status are kept.
    """
    if not one_by_one:
        _store_tasks(pk, tasks, instant)
        return
    for task in tasks:
        if not fits(task, _store_tasks, pk, [task], instant):
            fits(task, _store_tasks, pk, [Task(task.task_id, task.status)], instant)


def _store_tasks(pk: int, tasks: Iterable[Task], instant: int) -> None:
    # A statement can't touch a row twice; the last one counts.
    by_id = {task.task_id: task for task in tasks}
    # Whether the values are of their types, PostgreSQL decides.
    dumped = _TASKS.dump_json(
        list(by_id.values()), exclude_defaults=True, warnings=False
    )
    json = dumped.decode()
    stored = execute(statements.STORE_TASKS, [pk, instant, json])
    if stored.rowcount < len(by_id):
        execute(statements.FILL_TASKS, [json, pk, instant])


def store_processes(
    pk: int, processes: Iterable[Process], *, one_by_one: bool = False
) -> None:
    """In place of what was known of them. One by one, what does not fit is left out."""
    if not one_by_one:
        _store_processes(pk, processes)
        return
    for process in processes:
        fits(process, _store_processes, pk, [process])


def _store_processes(pk: int, processes: Iterable[Process]) -> None:
    execute(statements.STORE_PROCESSES, [pk, json_of(processes)])


def json_of(processes: Iterable[Process]) -> str:
    """As a parameter of the statements: of equal names the last one."""
    by_name = {process.name: process for process in processes}
    return _PROCESSES.dump_json(list(by_name.values())).decode()


def mark_seen(
    pk: int,
    at: dt.datetime,
    status: str,
    counters: Counters | None = None,
    instant: int | None = None,
) -> None:
    """A call has come, and this is how the workflow stands. Counters are as of the
    instant."""
    if counters is None:
        execute(statements.SET_SEEN, [at, status, status, at, pk])
        return
    values = [at, status, status, at, instant, *values_of(counters), pk]
    execute(statements.SET_COUNTERS, values)


def fits(
    what: object, store: Callable[..., object], *values: Any, **named: Any
) -> bool:
    """Whether it could be stored; if not, nothing of it is, and the log says why."""
    try:
        with transaction.atomic():
            store(*values, **named)
    except BAD_DATA as error:
        log.warning("%.200s does not fit: %s", what, error)
        return False
    return True


def execute(statement: str, values: Sequence[Any]) -> psycopg.Cursor[Any]:
    """A `numbered` one as a prepared statement, which Django's own cursors can't do:
    they write the values into the text. Raises Django's errors."""
    connection.ensure_connection()
    session = connection.connection
    # For this one only: of those of Django's, psycopg would keep the texts.
    session.prepare_threshold = 0
    try:
        with connection.wrap_database_errors:
            return psycopg.RawCursor(session).execute(statement, values)
    finally:
        session.prepare_threshold = None


def execute_alone(statement: str, values: Sequence[Any]) -> psycopg.Cursor[Any]:
    """The same, in a transaction that is the statement's own: neither begun nor ended
    by another. Within one of the caller's a savepoint stands for it."""
    is_within = connection.in_atomic_block
    with transaction.atomic() if is_within else nullcontext():
        return execute(statement, values)
