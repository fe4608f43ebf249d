"""Tasks that PostgreSQL reads from the body itself (engine.unread).

One statement says what engine.trace's readers do in Python. What it can't take as it
is it refuses, and nothing is stored.
"""

from __future__ import annotations

from dataclasses import fields

from django.db import DataError, IntegrityError, ProgrammingError

from turret.engine.records import Task
from turret.engine.trace import TASK_KEYS
from turret.engine.unread import EXTRA_KEYS, Unread
from turret.services import rows, statements
from turret.words import ErrorAction, TaskStatus

# Garbage for a value; no id or an unknown word, which become null; an id twice.
_REFUSALS = (DataError, IntegrityError, ProgrammingError, ValueError)

_KEYS = {field: key for key, field in TASK_KEYS.items()}
_FIELDS = [field for field in fields(Task) if field.name != "extra"]
_NUMBERS = {"int": "bigint", "int | None": "bigint", "float | None": "double precision"}


class Refused(Exception):
    """The tasks are to be read after all, in a new transaction."""


def store_unread(pk: int, unread: Unread, instant: int) -> None:
    """As rows.store_tasks does. Raises Refused, also when a task has come late."""
    try:
        stored = rows.execute(_STORE, [pk, instant, unread.tasks])
    except _REFUSALS as error:
        raise Refused(str(error)) from error
    if stored.rowcount != unread.count:
        raise Refused("a task has come late")


def _type(name: str, kind: str) -> str:
    return "json" if name == "module" else _NUMBERS.get(kind, "text")


def _value(name: str, kind: str) -> str:
    sent = f'sent."{_KEYS[name]}"'
    if name == "exit":
        return f"nullif({sent}, 2147483647)"
    if name == "module":
        is_empty = f"{sent} IS NULL OR {sent}::text = '[]'"
        return f"CASE WHEN {is_empty} THEN '' ELSE {_JOINED} END"
    if kind == "datetime | None":
        # PostgreSQL takes words such as `now` for times.
        return f"CASE WHEN {sent} BETWEEN '0' AND ':' THEN {sent}::timestamptz END"
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
_EXTRA = f"""(SELECT jsonb_object_agg(key, value) FROM (VALUES {_EXTRA_PAIRS})
  AS pairs(key, value) WHERE value IS NOT NULL)"""  # noqa: S608 - of our own words
_VALUES = ", ".join(_value(field.name, str(field.type)) for field in _FIELDS)
_NAMES = ", ".join(f'"{field.name}"' for field in _FIELDS)

# Parameters: workflow, instant, tasks.
_STORE = f"""
INSERT INTO turret_workflowtask AS stored (workflow_id, instant, {_NAMES}, extra)
SELECT %s, %s, {_VALUES},
  CASE WHEN num_nonnulls({_EXTRA_VALUES}) > 0
    THEN {_EXTRA} END
FROM json_to_recordset(%s::json) AS sent({_SENT}, {_EXTRA_SENT})
{statements.ON_KNOWN_TASK}
"""  # noqa: S608 - of our own words
