"""One task: its script, how it ended, what it asked for and used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from seqhub.lib.units import format_bytes
from turret.choices import TaskStatus
from turret.engine.masking import mask
from turret.engine.tails import Untold
from turret.models import Workflow, WorkflowTask
from turret.panels.chips import task_chip
from turret.panels.failures import Failure, failure_of
from turret.panels.links import task_link
from turret.panels.tasks import milliseconds
from turret.panels.work_dir import error_tail, is_in_reach
from turret.selectors import origin_of

MOST_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Used:
    """A line of the table of resources."""

    label: str
    asked: str
    used: str
    percent: int | None
    colour: str


def task_content(
    workflow: Workflow, task: WorkflowTask, *, may_see: bool
) -> dict[str, Any]:
    """For the drawer; `may_see`: its environment. Reads no file."""
    failed = task.status == TaskStatus.FAILED
    return {
        "workflow": workflow,
        "task": task,
        "chip": task_chip(workflow, task),
        "failure": _failure(workflow, task) if failed else None,
        "about": {"facts": _facts(task)},
        "used": _used(task),
        "attempts": _attempts(workflow, task),
        "origin": _origin(task),
        "script": mask(task.script),
        "env": mask(task.env) if may_see else "",
        "is_env_hidden": bool(task.env) and not may_see,
        "may_ask": is_in_reach(task),
    }


def tail_content(task: WorkflowTask) -> dict[str, Any]:
    """The end of its error output, or why there is none. Reads the disk."""
    try:
        return {"tail": error_tail(task)}
    except Untold as error:
        return {"why_no_tail": str(error)}


def _failure(workflow: Workflow, task: WorkflowTask) -> Failure:
    return failure_of(workflow, task, workflow.error_report)


def _attempts(workflow: Workflow, task: WorkflowTask) -> list[dict[str, Any]]:
    """All attempts at the same, if there are several."""
    rows = (
        workflow.tasks.filter(name=task.name, process=task.process)
        .only("task_id", "name", "attempt", "status", "error_action", "workflow_id")
        .order_by("task_id")[:MOST_ATTEMPTS]
    )
    found = [
        {
            "task": row,
            "chip": task_chip(workflow, row),
            "link": task_link(workflow, row.task_id),
            "is_this": row.task_id == task.task_id,
        }
        for row in rows
    ]
    return found if len(found) > 1 else []


def _origin(task: WorkflowTask) -> dict[str, Any] | None:
    """Where the result of a cached task comes from, if that was traced."""
    found = origin_of(task)
    if found is None:
        return None
    return {"task": found, "link": task_link(found.workflow, found.task_id)}


def _facts(task: WorkflowTask) -> list[tuple[str, Any, str]]:
    waited = ""
    if task.submitted_at and task.started_at:
        waited_s = (task.started_at - task.submitted_at).total_seconds()
        # Clocks of two computers may disagree.
        waited = milliseconds(round(max(waited_s, 0) * 1000))
    rows: list[tuple[str, Any, str]] = [
        ("Exit status", "" if task.exit is None else str(task.exit), "text"),
        ("Process", task.process, "code"),
        ("Tag", task.tag, "code"),
        ("Attempt", task.attempt, "text"),
        ("Hash", task.hash, "path"),
        ("Submitted", task.submitted_at, "time"),
        ("Started", task.started_at, "time"),
        ("Waited", waited, "text"),
        ("Ended", task.completed_at, "time"),
        ("Took", milliseconds(task.realtime_ms), "text"),
        ("Executor", task.executor, "text"),
        ("Queue", task.queue, "text"),
        ("Job", task.native_id, "code"),
        ("Host", task.hostname, "code"),
        ("CPU model", task.cpu_model, "text"),
        ("Container", task.container, "path"),
        ("Modules", task.module, "text"),
        ("Scratch", task.scratch, "text"),
        ("Read", _bytes(task.rchar), "text"),
        ("Written", _bytes(task.wchar), "text"),
    ]
    for key, value in (task.extra or {}).items():
        # What newer versions of Nextflow tell, as in `machineType`.
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            rows.append((_words(key), str(mask({key: value})[key]), "text"))
    return [row for row in rows if row[1] not in (None, "")]


def _words(key: str) -> str:
    return "".join(f" {c.lower()}" if c.isupper() else c for c in key).capitalize()


def _used(task: WorkflowTask) -> list[Used]:
    """Of what was asked for; what is neither asked for nor known is left out."""
    cores = None if task.pcpu is None else task.pcpu / 100
    rows = [
        # Busy processors are no danger: a limit is what a task is killed at.
        replace(_line("CPUs", task.cpus, cores, _number), colour="primary"),
        _line("Memory", task.memory_bytes, task.peak_rss_bytes, format_bytes),
        _line("Time", task.time_ms, task.realtime_ms, lambda n: milliseconds(round(n))),
        _line("Disk", task.disk_bytes, None, format_bytes),
    ]
    return [row for row in rows if row.asked or row.used]


def _number(value: float) -> str:
    return f"{value:g}" if value >= 1 else f"{value:.2g}"


def _line(label: str, asked: float | None, used: float | None, words: Any) -> Used:
    percent = round(100 * used / asked) if used is not None and asked else None
    return Used(
        label,
        "" if asked is None else words(asked),
        "" if used is None else words(round(used, 2)),
        percent,
        "danger" if percent is not None and percent > 90 else "primary",
    )


def _bytes(size: int | None) -> str:
    return "" if size is None else format_bytes(size)
