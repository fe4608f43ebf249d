"""The SQL of the trace, made from the fields of engine.records: the columns of tasks
and processes have their names.

The records come as one parameter, a JSON array; a key that is missing in it is null.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, fields

from turret.engine.records import Counters, Process, Task
from turret.words import TaskStatus

TYPES = {
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


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str

    def filled(self) -> str:
        """What is sent, as the column has it: no text is null."""
        if not self.is_text:
            return f"sent.{self.name}"
        empty = TaskStatus.OTHER.value if self.name == '"status"' else ""
        return f"coalesce(sent.{self.name}, '{empty}')"

    def first_of(self, winner: str, other: str) -> str:
        """What the winner says, or else what the other does."""
        ours, theirs = f"{winner}.{self.name}", f"{other}.{self.name}"
        if self.is_text:
            return f"coalesce(nullif({ours}, ''), {theirs}, '')"
        if self.type == "jsonb":
            return f"coalesce({theirs} || {ours}, {ours}, {theirs})"
        return f"coalesce({ours}, {theirs})"

    @property
    def is_text(self) -> bool:
        return self.type == "text"


def numbered(statement: str) -> str:
    """The statement with $1, $2... for its %s, as psycopg's raw cursors take them: the
    others split a long text anew each time."""
    numbers = itertools.count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", statement)


def _columns(record: type[Task | Process]) -> list[_Column]:
    # Quoted, as "index" is a word of SQL's.
    return [
        _Column(f'"{field.name}"', TYPES[str(field.type)]) for field in fields(record)
    ]


def _names(columns: list[_Column], table: str = "") -> str:
    return ", ".join(f"{table}{column.name}" for column in columns)


def _sent(columns: list[_Column]) -> str:
    typed = ", ".join(f"{column.name} {column.type}" for column in columns)
    return f"json_to_recordset(%s::json) AS sent({typed})"


def _set_first(winner: str, other: str) -> str:
    return ", ".join(
        f"{column.name} = {column.first_of(winner, other)}" for column in _DETAILS
    )


def _rank(table: str) -> str:
    whens = " ".join(
        f"WHEN '{word}' THEN {word.rank}" for word in TaskStatus if word.rank
    )
    return f"CASE {table}.status {whens} ELSE 0 END"


_TASK = _columns(Task)
_DETAILS = [column for column in _TASK if column.name not in ('"task_id"', '"status"')]
_PROCESS = _columns(Process)

# Of a task that is known.
ON_KNOWN_TASK = f"""ON CONFLICT (workflow_id, task_id) DO UPDATE SET
  instant = excluded.instant, status = excluded.status,
  {_set_first("excluded", "stored")}
WHERE ({_rank("excluded")}, excluded.instant) >= ({_rank("stored")}, stored.instant)"""

# Parameters: workflow, instant, tasks.
STORE_TASKS = numbered(f"""
INSERT INTO turret_workflowtask AS stored (workflow_id, instant, {_names(_TASK)})
SELECT %s, %s, {", ".join(column.filled() for column in _TASK)} FROM {_sent(_TASK)}
{ON_KNOWN_TASK}
""")  # noqa: S608 - of our own words

# Parameters: tasks, workflow, instant.
FILL_TASKS = numbered(f"""
UPDATE turret_workflowtask AS stored SET {_set_first("stored", "sent")}
FROM {_sent(_TASK)}
WHERE stored.workflow_id = %s AND stored.task_id = sent.task_id
  AND ({_rank("sent")}, %s) < ({_rank("stored")}, stored.instant)
""")  # noqa: S608 - of our own words

PROCESSES = _names(_PROCESS)
PROCESSES_OF_SENT = _names(_PROCESS, "sent.")
SENT_PROCESSES = _sent(_PROCESS)
ON_KNOWN_PROCESS = f"""ON CONFLICT (workflow_id, name) DO UPDATE SET
  ({PROCESSES}) = ROW({_names(_PROCESS, "excluded.")})
WHERE ({_names(_PROCESS, "stored.")})
  IS DISTINCT FROM ({_names(_PROCESS, "excluded.")})"""

# Parameters: workflow, processes.
STORE_PROCESSES = numbered(f"""
INSERT INTO turret_workflowprocess AS stored (workflow_id, {PROCESSES})
SELECT %s, {PROCESSES_OF_SENT} FROM {SENT_PROCESSES}
{ON_KNOWN_PROCESS}
""")  # noqa: S608 - of our own words

HELD = (
    "id",
    "owner_id",
    "token_digest",
    "status",
    "stalled_at",
    "begun_at",
    "ended_at",
    "progress_instant",
    "run_name",
)
# Parameters: how long to wait for locks ("20s"), workflow_id. No key of the row
# changes: what refers to it need not wait.
HOLD = numbered(f"""
SELECT {", ".join(HELD)}
FROM set_config('lock_timeout', %s, true), turret_workflow
WHERE workflow_id = %s FOR NO KEY UPDATE
""")  # noqa: S608 - of our own words

_SEEN = """
UPDATE turret_workflow SET last_seen_at = %s, stalled_at = NULL, status = %s,
  status_since = CASE WHEN status = %s THEN status_since ELSE %s END
"""
COUNTERS = tuple(field.name for field in fields(Counters))
# Parameters: time, status, status, time, workflow.
SET_SEEN = numbered(f"{_SEEN} WHERE id = %s")
# Parameters: time, status, status, time, instant, those of COUNTERS, workflow.
SET_COUNTERS = numbered(f"""
{_SEEN}, progress_instant = %s, {", ".join(f"{name} = %s" for name in COUNTERS)}
WHERE id = %s
""")
