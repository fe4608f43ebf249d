"""What the tasks of a process used of what they had asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seqhub.lib.panels import Panel
from seqhub.lib.units import format_bytes
from turret.engine.values import real
from turret.models import Workflow
from turret.panels.links import tasks_link
from turret.panels.tasks import cores, milliseconds
from turret.words import simple_name

# Below this share (%) of what was asked for, less would do.
_WASTE = 25
_TIGHT = 90


@dataclass(frozen=True, slots=True)
class Use:
    """Of one resource: what was used, as words and as a share of what was asked."""

    words: str  # empty: not known
    most: str  # the largest task, with its name
    share: float | None  # % of what was asked for, of the largest task
    colour: str


@dataclass(frozen=True, slots=True)
class ProcessUse:
    process: str
    short: str  # its simple name
    link: str  # its tasks
    cpu: Use
    memory: Use
    time: Use
    read: str
    written: str
    hint: str


def resources_panel(workflow: Workflow) -> Panel:
    """From the metrics that Nextflow sends at the end."""
    workflow.refresh_from_db(fields=["metrics"])
    metrics = workflow.metrics if isinstance(workflow.metrics, list) else []
    found = [_use_of(workflow, row) for row in metrics if isinstance(row, dict)]
    return Panel(
        "resources",
        "Resources, used of what was asked for",
        "turret/panels/resources.html",
        {"lines": [line for line in found if line.process], "workflow": workflow},
    )


def _use_of(workflow: Workflow, row: dict[str, Any]) -> ProcessUse:
    """Of the `metrics` of Nextflow (ResourcesAggregator): series `cpu` in % of a core,
    `mem` in bytes, `time` in ms, each with a `...Usage` in % of what was asked for."""
    name = str(row.get("process") or "")
    cpu = _use(row, "cpu", "cpuUsage", _cores, is_limit=False)
    memory = _use(row, "mem", "memUsage", format_bytes)
    time = _use(row, "time", "timeUsage", lambda ms: milliseconds(round(ms)))
    return ProcessUse(
        process=name,
        short=simple_name(name),
        link=tasks_link(workflow, process=name),
        cpu=cpu,
        memory=memory,
        time=time,
        read=_mean(row, "reads"),
        written=_mean(row, "writes"),
        hint=_hint(memory, time),
    )


def _use(
    row: dict[str, Any], key: str, usage: str, words: Any, *, is_limit: bool = True
) -> Use:
    """`is_limit`: a task that needs more than it asked for fails."""
    mean, most = _number(row, key, "mean"), _number(row, key, "max")
    share = _number(row, usage, "max")
    series = row.get(key)
    label = series.get("maxLabel") if isinstance(series, dict) else ""
    at_most = "" if most is None else f"most {words(most)}"
    return Use(
        words="" if mean is None else words(mean),
        most=f"{at_most}, {label}" if at_most and label else at_most,
        share=share,
        colour="danger" if is_limit and (share or 0) > _TIGHT else "primary",
    )


def _hint(memory: Use, time: Use) -> str:
    if memory.share is not None and memory.share > _TIGHT:
        return "Nearly all of the memory was used: a larger sample may fail."
    if time.share is not None and time.share > _TIGHT:
        return "Nearly all of the time was used: a larger sample may fail."
    if memory.share is not None and memory.share < _WASTE:
        return "Less memory would do, and it would wait less."
    return ""


def _mean(row: dict[str, Any], key: str) -> str:
    value = _number(row, key, "mean")
    return "" if value is None else format_bytes(value)


def _cores(percent: float) -> str:
    return f"{cores(percent)} cores"


def _number(row: dict[str, Any], key: str, name: str) -> float | None:
    """Others wrote it: whatever is no number is not known."""
    series = row.get(key)
    value = series.get(name) if isinstance(series, dict) else None
    return None if isinstance(value, str) else real(value)
