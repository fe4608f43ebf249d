"""The tasks of a workflow: searched, narrowed down, sorted, by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from seqhub.lib.panels import Panel
from seqhub.lib.units import format_bytes, format_duration
from turret.models import Workflow, WorkflowTask
from turret.panels.chips import task_chip
from turret.panels.links import task_link
from turret.panels.tally import FAILURES, STATES, UNFINISHED

PER_PAGE = 50
# What a line of the table shows: scripts and environments are long.
SHORT = (
    "task_id",
    "status",
    "error_action",
    "hash",
    "name",
    "process",
    "tag",
    "exit",
    "attempt",
    "realtime_ms",
    "time_ms",
    "pcpu",
    "cpus",
    "peak_rss_bytes",
    "memory_bytes",
    "started_at",
    "workflow_id",
)
# Key in the address -> heading and column.
COLUMNS: dict[str, tuple[str, str]] = {
    "id": ("Task", "task_id"),
    "status": ("State", "status"),
    "name": ("Name", "name"),
    "exit": ("Exit", "exit"),
    "attempt": ("Attempt", "attempt"),
    "started": ("Started", "started_at"),
    "time": ("Took", "realtime_ms"),
    "cpu": ("CPU", "pcpu"),
    "memory": ("Peak memory", "peak_rss_bytes"),
}
_STATES = {**STATES, UNFINISHED.key: UNFINISHED, FAILURES.key: FAILURES}
_NUMBERS = {"id", "exit", "attempt", "time", "cpu", "memory"}


@dataclass(frozen=True, slots=True)
class Heading:
    label: str
    sort: str  # what a click asks for
    direction: str  # of the present order by this column: "", ascending, descending
    is_number: bool


def tasks_panel(workflow: Workflow, query: QueryDict) -> Panel:
    # PostgreSQL has no U+0000.
    text, state, process = (
        query.get(key, "").replace("\0", "").strip()
        for key in ("q", "state", "process")
    )
    sort = query.get("sort", "id")
    rows = narrowed(workflow.tasks.all(), text=text, state=state, process=process)
    page = Paginator(rows.order_by(*_order(sort)).only(*SHORT), PER_PAGE).get_page(
        query.get("page")
    )
    return Panel(
        "tasks",
        "Tasks",
        "turret/panels/tasks.html",
        {
            "workflow": workflow,
            "lines": [_line(workflow, task) for task in page],
            "page": page,
            "headings": _headings(sort),
            "text": text,
            "state": state,
            "process": process,
            "sort": sort,
            "states": [(one.key, one.label) for one in _STATES.values()],
            "processes": list(workflow.processes.values_list("name", flat=True)),
            "is_narrowed": bool(text or state or process),
            "csv_link": reverse("turret-api:tasks", args=[workflow.workflow_id]),
        },
        count=page.paginator.count,
    )


def narrowed(
    rows: QuerySet[WorkflowTask], *, text: str = "", state: str = "", process: str = ""
) -> QuerySet[WorkflowTask]:
    """Those in a state and of a process in which each word of `text` occurs."""
    if state in _STATES:
        rows = rows.filter(_STATES[state].condition)
    if process:
        rows = rows.filter(process=process)
    for word in text.split():
        found = Q()
        for column in ("name", "hash", "workdir", "native_id"):
            found |= Q(**{f"{column}__icontains": word})
        if word.isdecimal() and len(word) < 19:
            found |= Q(task_id=int(word))
        rows = rows.filter(found)
    return rows


def _order(sort: str) -> tuple[Any, ...]:
    key = sort.removeprefix("-")
    if key not in COLUMNS:
        return ("task_id",)
    column = F(COLUMNS[key][1])
    # What is not known comes last, whichever way it is sorted.
    if sort.startswith("-"):
        return (column.desc(nulls_last=True), "task_id")
    return (column.asc(nulls_last=True), "task_id")


def _headings(sort: str) -> list[Heading]:
    direction = "descending" if sort.startswith("-") else "ascending"
    now = {sort.removeprefix("-"): direction}
    return [
        Heading(
            label,
            f"-{key}" if sort == key else key,
            now.get(key, ""),
            key in _NUMBERS,
        )
        for key, (label, _) in COLUMNS.items()
    ]


def _line(workflow: Workflow, task: WorkflowTask) -> dict[str, Any]:
    return {
        "task": task,
        "name": short_name(task),
        "chip": task_chip(workflow, task),
        "link": task_link(workflow, task.task_id),
        "took": milliseconds(task.realtime_ms),
        "cpu": cores(task.pcpu),
        "memory": "" if not task.peak_rss_bytes else format_bytes(task.peak_rss_bytes),
        "memory_share": share(task.peak_rss_bytes, task.memory_bytes),
    }


def short_name(task: WorkflowTask) -> str:
    """`ALIGN (s1)` of `A:B:ALIGN (s1)`."""
    scopes = task.process.rpartition(":")[0]
    return str(task).removeprefix(f"{scopes}:")


def milliseconds(value: int | None) -> str:
    """`0.4 s`, `41 min`; empty where it is not known."""
    if value is None:
        return ""
    if 0 <= value < 10_000:
        return f"{value / 1000:.1f} s"
    return format_duration(value / 1000)


def cores(pcpu: float | None) -> str:
    """`1.8 cores` of a percentage of one core."""
    return "" if pcpu is None else f"{pcpu / 100:.1f}"


def share(used: float | None, asked: float | None) -> str:
    """`30 %` of what was asked for."""
    return f"{100 * used / asked:.0f} %" if used and asked else ""
