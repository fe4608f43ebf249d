"""The tasks of a workflow: searched, narrowed down, sorted, by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

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
from turret.services.search import of_task

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
# In tables for programs: units are in the names.
EXPORTED = (
    "task_id",
    "status",
    "process",
    "tag",
    "name",
    "hash",
    "exit",
    "error_action",
    "attempt",
    "submitted_at",
    "started_at",
    "completed_at",
    "duration_ms",
    "realtime_ms",
    "cpus",
    "pcpu",
    "memory_bytes",
    "pmem",
    "rss_bytes",
    "vmem_bytes",
    "peak_rss_bytes",
    "peak_vmem_bytes",
    "disk_bytes",
    "time_ms",
    "rchar",
    "wchar",
    "read_bytes",
    "write_bytes",
    "syscr",
    "syscw",
    "vol_ctxt",
    "inv_ctxt",
    "cpu_model",
    "executor",
    "queue",
    "native_id",
    "hostname",
    "container",
    "module",
    "scratch",
    "workdir",
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
    text, state, process, sort = _asked(query)
    rows = chosen_tasks(workflow, query).only(*SHORT)
    page = Paginator(rows, PER_PAGE).get_page(query.get("page"))
    csv_link = reverse("admin:turret_workflow_tasks_csv", args=[workflow.pk])
    csv_filters = {"q": text, "state": state, "process": process, "sort": sort}
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
            "csv_link": f"{csv_link}?{urlencode(csv_filters)}",
        },
        count=page.paginator.count,
    )


def chosen_tasks(workflow: Workflow, query: QueryDict) -> QuerySet[WorkflowTask]:
    """Those that the tab shows on its pages, in its order: of a state, of a process,
    and with each of the words in what people know them by."""
    text, state, process, sort = _asked(query)
    rows = workflow.tasks.all()
    if state in _STATES:
        rows = rows.filter(_STATES[state].condition)
    if process:
        rows = rows.filter(process=process)
    for word in text.split():
        found = of_task(word)
        if word.isdecimal() and len(word) < 19:
            found |= Q(task_id=int(word))
        rows = rows.filter(found)
    return rows.order_by(*_order(sort))


def number_of(task_id: int) -> int | None:
    """Nextflow's number of a task; None where it is not known yet, and the id is made
    up below zero."""
    return task_id if task_id >= 0 else None


def export_rows(rows: QuerySet[WorkflowTask]) -> Iterator[tuple[Any, ...]]:
    """Values of EXPORTED, fetched little by little."""
    for task_id, *values in rows.values_list(*EXPORTED).iterator(chunk_size=500):
        yield number_of(task_id), *values


def _asked(query: QueryDict) -> tuple[str, str, str, str]:
    """Words, state, process and order; PostgreSQL has no U+0000."""
    text, state, process = (
        query.get(key, "").replace("\0", "").strip()
        for key in ("q", "state", "process")
    )
    return text, state, process, query.get("sort", "id")


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
        "number": number_of(task.task_id),
        "name": _short_name(task),
        "chip": task_chip(workflow, task),
        "link": task_link(workflow, task.task_id),
        "took": milliseconds(task.realtime_ms),
        "cpu": cores(task.pcpu),
        "memory": "" if not task.peak_rss_bytes else format_bytes(task.peak_rss_bytes),
        "memory_share": _share(task.peak_rss_bytes, task.memory_bytes),
    }


def _short_name(task: WorkflowTask) -> str:
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
    """`1.8`: cores, of a percentage of one core."""
    return "" if pcpu is None else f"{pcpu / 100:.1f}"


def _share(used: float | None, asked: float | None) -> str:
    """`30 %` of what was asked for."""
    return f"{100 * used / asked:.0f} %" if used and asked else ""
