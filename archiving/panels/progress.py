"""How far long work has come, for bars."""

from __future__ import annotations

from dataclasses import dataclass

from archiving.choices import Stage
from archiving.models import Progress
from archiving.selectors import progress_of
from seqhub.lib.units import counted, format_bytes, format_duration


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its words; `percent` is None where the end is not known."""

    label: str
    percent: int | None
    words: str
    eta_s: float | None


def bar_of(row: Progress) -> Bar:
    """Percent, rate and time left of a row that a worker is at."""
    view = progress_of(row)
    label = stage_words(row)
    percent = None if view.percent is None else round(view.percent)
    parts = [label if percent is None else f"{label} {percent} %"]
    if view.rate_bytes_s:
        parts.append(f"{format_bytes(view.rate_bytes_s)}/s")
    if view.eta_s is not None:
        parts.append(f"{format_duration(view.eta_s, units=1)} left")
    return Bar(label, percent, ", ".join(parts), view.eta_s)


def stage_words(row: Progress) -> str:
    """What the worker is at."""
    return Stage(row.stage).label if row.stage else "beginning"


def amounts(row: Progress) -> str:
    """`1.2 of 4.0 GiB, 12 of 300 files`, as far as they are known."""
    done = format_bytes(row.bytes_done)
    if row.bytes_total:
        done += f" of {format_bytes(row.bytes_total)}"
    if not row.files_total:
        return f"{done}, {counted(row.files_done, 'file')}"
    return f"{done}, {row.files_done:,} of {counted(row.files_total, 'file')}"
