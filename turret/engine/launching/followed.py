"""How far the files of a run were followed, and what they said.

Nothing is kept between two looks but `Followed`, which is small: tasks are told as
they come, whether they were told before or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from turret.engine.launching.pieces import Mark
from turret.engine.records import Counters, Run, Task
from turret.engine.trace_table import Table
from turret.words import ErrorAction


@dataclass(slots=True)
class Followed:
    """How far a run was followed."""

    trace: Mark = field(default_factory=Mark)
    log: Mark = field(default_factory=Mark)
    # Of the trace file; none: its first line is not there yet.
    table: Table | None = None
    # In the order in which they were started.
    processes: list[str] = field(default_factory=list)
    # Hashes of tasks that wait in a grid, and were not called submitted yet.
    sent: list[str] = field(default_factory=list)
    signal: str = ""  # that ended the run
    error_at: int | None = None  # where the last error stands in the log
    stats: dict[str, int] | None = None  # Nextflow's own sum at the end
    ended_at: str = ""  # when it was made, ISO 8601

    @property
    def counters(self) -> Counters | None:
        return None if self.stats is None else Counters(**self.stats)


def restored(stored: dict[str, Any]) -> Followed:
    """From what `asdict` made; anything else is none."""
    try:
        table = stored.get("table")
        return Followed(
            **{
                **stored,
                "trace": Mark(**stored.get("trace", {})),
                "log": Mark(**stored.get("log", {})),
                "table": Table(tuple(table["names"]), table["separator"])
                if table
                else None,
            }
        )
    except (TypeError, KeyError):
        return Followed()


@dataclass(slots=True)
class News:
    """What a look has found. Of tasks that both tell of, the trace knows more."""

    of_trace: dict[int, Task] = field(default_factory=dict)
    of_log: dict[int, Task] = field(default_factory=dict)
    # What Nextflow did about tasks that failed, by their hashes.
    actions: dict[str, ErrorAction] = field(default_factory=dict)
    # Only what is new of it; None: nothing is.
    run: Run | None = None

    @property
    def known_hashes(self) -> set[str]:
        """Of the tasks whose ids are known now."""
        tasks = (*self.of_trace.values(), *self.of_log.values())
        return {task.hash for task in tasks if task.task_id >= 0 and task.hash}
