"""A turret.db as nextflow-turret wrote it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

STARTED, UPDATED = 1_700_000_000.25, 1_700_003_600.5
RUNS = (
    "CREATE TABLE runs (workflow_id TEXT PRIMARY KEY, batch_id TEXT, run_name TEXT,"
    " complete INTEGER, task_counts TEXT, processes TEXT, resources TEXT,"
    " failures TEXT, started_at REAL, updated_at REAL)"
)
LAUNCHES = (
    "CREATE TABLE launches (launch_id TEXT PRIMARY KEY, pipeline TEXT, revision TEXT,"
    " params TEXT, profile TEXT, work_dir TEXT, run_name TEXT, status TEXT,"
    " pid INTEGER, exit_code INTEGER, log_path TEXT, submitted_at REAL,"
    " started_at REAL, finished_at REAL)"
)
COUNTS = {
    "succeeded": 4,
    "failed": 0,
    "cached": 1,
    "running": 0,
    "pending": 0,
    "submitted": 0,
    "aborted": 0,
}
PROCESS = {
    "index": 2,
    "name": "DEMO:ALIGN",
    "succeeded": 4,
    "failed": 1,
    "retries": 1,
    "ignored": 0,
    "terminated": True,
}
RESOURCES = {
    "loadCpus": 0,
    "loadMemory": 0,
    "peakCpus": 8,
    "peakMemory": 2**31,
    "peakRunning": 4,
}
FAILURE = {
    "taskId": 7,
    "process": "DEMO:ALIGN",
    "name": "DEMO:ALIGN (s1)",
    "tag": "s1",
    "exit": 137,
    "hash": "ab/cdef12",
}


def run_of(batch: str, **fields: Any) -> dict[str, Any]:
    """A row; lists and objects become JSON text, as there."""
    row = {
        "workflow_id": f"dispatcher_{batch}",
        "batch_id": batch,
        "run_name": f"dispatcher_{batch}",
        "complete": 1,
        "task_counts": COUNTS,
        "processes": [PROCESS],
        "resources": RESOURCES,
        "failures": [],
        "started_at": STARTED,
        "updated_at": UPDATED,
        **fields,
    }
    return {
        key: json.dumps(value) if isinstance(value, list | dict) else value
        for key, value in row.items()
    }


def write_database(
    path: Path,
    *runs: dict[str, Any],
    launches: int = 0,
    tables: Iterable[str] = (RUNS, LAUNCHES),
) -> Path:
    """Rows that are there already are replaced, as the old service did."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in tables:
            connection.execute(table.replace("TABLE", "TABLE IF NOT EXISTS"))
        for run in runs:
            names, marks = ", ".join(run), ", ".join("?" * len(run))
            statement = f"INSERT OR REPLACE INTO runs ({names}) VALUES ({marks})"  # noqa: S608
            connection.execute(statement, list(run.values()))
        for number in range(launches):
            connection.execute(
                "INSERT INTO launches (launch_id) VALUES (?)", [f"l{number}"]
            )
    return path
