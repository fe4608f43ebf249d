"""Updates whose tasks PostgreSQL reads from the body itself (engine.unread).

One statement does what services.tracing does step by step, and says what engine.trace's
readers do in Python. What it would understand otherwise it refuses, and stores nothing.
"""

from __future__ import annotations

import logging
from dataclasses import fields

from django.db import DataError, IntegrityError, OperationalError, ProgrammingError
from django.utils import timezone
from psycopg.errors import StatementTooComplex

from turret.engine.records import Task
from turret.engine.trace import TASK_KEYS
from turret.engine.unread import EXTRA_KEYS, Unread
from turret.engine.values import MAX_DEPTH, NO_EXIT
from turret.services import rows, statements
from turret.services.callers import Caller
from turret.words import ErrorAction, Status, TaskStatus

log = logging.getLogger(__name__)

# Garbage for a value; no id or an unknown word, which become null; an id twice.
_REFUSALS = (DataError, IntegrityError, ProgrammingError, ValueError)

_KEYS = {field: key for key, field in TASK_KEYS.items()}
_FIELDS = [field for field in fields(Task) if field.name != "extra"]


def store_unread(workflow_id: str, unread: Unread, caller: Caller) -> bool:
    """All that an update of a running workflow by its own token does, in one statement
    that is a transaction of its own.

    False if that is not all there is to do, or not possible: then the body is to be
    read, and what is stored already is stored again.
    """
    progress, instant = unread.rest.progress, unread.rest.instant
    if progress is None or instant is None or unread.rest.containers:
        return False
    workflow = [rows.LOCK_PATIENCE, workflow_id, caller.token_digest, instant]
    tasks = [instant, unread.tasks]
    processes = [rows.json_of(progress.processes)]
    seen = [timezone.now(), instant, *rows.values_of(progress.counters)]
    try:
        stored = rows.execute_alone(_STORE, [*workflow, *tasks, *processes, *seen])
    except (*_REFUSALS, OperationalError) as error:
        is_outage = isinstance(error, OperationalError)
        # What is nested too deeply for it, PostgreSQL tells among its own troubles.
        if is_outage and not isinstance(error.__cause__, StatementTooComplex):
            raise
        log.debug("%s: an update is to be read: %s", workflow_id, error)
        return False
    # Fewer when one has come late, and none when something is special.
    return bool(stored.fetchone() == (unread.count,))


def _type(name: str, kind: str) -> str:
    """As it is sent: times and words have yet to be looked at."""
    if name == "module":
        return "json"
    return "text" if kind == "datetime | None" else statements.TYPES[kind]


def _value(name: str, kind: str) -> str:
    sent = f'sent."{_KEYS[name]}"'
    if name == "exit":
        return f"nullif({sent}, {NO_EXIT})"
    if name == "module":
        is_empty = f"{sent} IS NULL OR {sent}::text = '[]'"
        return f"CASE WHEN {is_empty} THEN '' ELSE {_JOINED} END"
    if kind == "datetime | None":
        # As values.time: PostgreSQL takes words such as `now` for times, and years
        # that Python can't read. No comparison: that depends on the collation.
        return f"CASE WHEN {sent} LIKE '20__-__-__%%' THEN {sent}::timestamptz END"
    if kind == "float | None":
        # And NaN, which is more than infinity, or `inf` for a number.
        return f"CASE WHEN abs({sent}) < 'infinity' THEN {sent} END"
    if kind == "TaskStatus":
        return _word(sent, [word.value for word in TaskStatus])
    if kind == "ErrorAction | None":
        words = _word(sent, [word.value for word in ErrorAction])
        return f"CASE WHEN {sent} IS NULL THEN '' ELSE {words} END"
    return f"coalesce({sent}, '')" if kind == "str" else sent


def _word(sent: str, known: list[str]) -> str:
    """In lower case; null if it is not known, which the column refuses."""
    words = ", ".join(f"'{word.upper()}'" for word in known)
    return f"CASE WHEN {sent} IN ({words}) THEN lower({sent}) END"


_JOINED = """(SELECT coalesce(string_agg(nullif(one, ''), ','), '')
  FROM json_array_elements_text(sent."module") AS one)"""

_SENT = ", ".join(
    f'"{_KEYS[field.name]}" {_type(field.name, str(field.type))}' for field in _FIELDS
)
_EXTRA_SENT = ", ".join(f'"{key}" jsonb' for key in EXTRA_KEYS)
_EXTRA_VALUES = ", ".join(f'sent."{key}"' for key in EXTRA_KEYS)
_EXTRA_PAIRS = ", ".join(f"('{key}', sent.\"{key}\")" for key in EXTRA_KEYS)
# As values.document: Python could not read it back.
_TOO_DEEP = f"""strict $.**{{{MAX_DEPTH}}} ?
  (@.type() == "array" || @.type() == "object")"""
_EXTRA = f"""(SELECT jsonb_object_agg(key, value) FROM (VALUES {_EXTRA_PAIRS})
  AS pairs(key, value) WHERE NOT jsonb_path_exists(value, '{_TOO_DEEP}'))"""  # noqa: S608 - of our own words
_VALUES = ", ".join(_value(field.name, str(field.type)) for field in _FIELDS)
_NAMES = ", ".join(f'"{field.name}"' for field in _FIELDS)

_COUNTERS = ", ".join(f"{name} = %s" for name in statements.COUNTERS)

_STORE = statements.numbered(f"""
WITH held AS MATERIALIZED (
  SELECT id FROM set_config('lock_timeout', %s, true), turret_workflow
  WHERE workflow_id = %s AND token_digest = %s AND coalesce(progress_instant, 0) <= %s
    AND status = '{Status.RUNNING}' AND stalled_at IS NULL AND ended_at IS NULL
  FOR NO KEY UPDATE
), tasks AS (
  INSERT INTO turret_workflowtask AS stored (workflow_id, instant, {_NAMES}, extra)
  SELECT held.id, %s, {_VALUES},
    CASE WHEN num_nonnulls({_EXTRA_VALUES}) > 0 THEN {_EXTRA} END
  FROM held, json_to_recordset(%s::json) AS sent({_SENT}, {_EXTRA_SENT})
  {statements.ON_KNOWN_TASK}
  RETURNING 1
), processes AS (
  INSERT INTO turret_workflowprocess AS stored (workflow_id, {statements.PROCESSES})
  SELECT held.id, {statements.PROCESSES_OF_SENT}
  FROM held, {statements.SENT_PROCESSES}
  {statements.ON_KNOWN_PROCESS}
), seen AS (
  UPDATE turret_workflow SET last_seen_at = %s, progress_instant = %s, {_COUNTERS}
  FROM held WHERE turret_workflow.id = held.id
)
SELECT count(*) FROM tasks
""")  # noqa: S608 - of our own words
