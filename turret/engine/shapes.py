"""A run as the old service showed it: the names of its keys, and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from turret.engine.records import Counters, Task

# So many of its failures a run shows.
LATEST_FAILURES = 50
COUNT_KEYS = (
    "succeeded",
    "failed",
    "cached",
    "running",
    "pending",
    "submitted",
    "aborted",
)
RESOURCE_KEYS = {
    "loadCpus": "load_cpus",
    "loadMemory": "load_memory_bytes",
    "peakCpus": "peak_cpus",
    "peakMemory": "peak_memory_bytes",
    "peakRunning": "peak_running",
}
# As Nextflow's progress.processes has them.
PROCESS_KEYS = {
    "index": "index",
    "name": "name",
    "pending": "pending",
    "submitted": "submitted",
    "running": "running",
    "succeeded": "succeeded",
    "cached": "cached",
    "failed": "failed",
    "aborted": "aborted",
    "stored": "stored",
    "ignored": "ignored",
    "retries": "retries",
    "terminated": "terminated",
    **RESOURCE_KEYS,
}
# Nothing waits or runs once a run is over, whatever the last snapshot left behind.
NOTHING_AT_THE_END = (
    "pending",
    "submitted",
    "running",
    "load_cpus",
    "load_memory_bytes",
)
FAILURE_KEYS = {
    "taskId": "task_id",
    "process": "process",
    "name": "name",
    "tag": "tag",
    "exit": "exit",
    "hash": "hash",
}


def keyed(keys: Mapping[str, str], record: Counters | Task) -> dict[str, Any]:
    """The fields of a record by the keys that name them."""
    return {key: getattr(record, name) for key, name in keys.items()}


def task_counts(counters: Counters) -> dict[str, int]:
    return {name: getattr(counters, name) for name in COUNT_KEYS}


def failure(task: Task) -> dict[str, Any]:
    return {**keyed(FAILURE_KEYS, task), "tag": task.tag or None}


def at_the_end(counters: Counters) -> Counters:
    """Of a run that is over. A process stays a process."""
    return replace(counters, **dict.fromkeys(NOTHING_AT_THE_END, 0))
