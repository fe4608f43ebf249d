"""Progress bodies whose tasks stay unread.

Sixty tasks cost Python as much to read and to write again as they cost PostgreSQL to
store, which reads JSON, too. So the tasks of an ordinary body are handed on as they
came; whatever is unusual is read here, and repaired, as any other body.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from turret.engine import body, trace
from turret.engine.records import Update

# How Nextflow writes a progress body. Neither can stand within a string, where a
# quotation mark has a backslash before it.
_START = b'{"tasks":'
_NEXT = b',"progress":{'
_DECODER = json.JSONDecoder()

# Keys without a field that are known; values are JSON of any kind.
EXTRA_KEYS = (
    "accelerator",
    "acceleratorType",
    "machineType",
    "cloudZone",
    "priceModel",
    "numSpotInterruptions",
    "logStreamId",
    "resourceAllocation",
    "gpuMetrics",
)
_KNOWN_KEYS = frozenset({*trace.TASK_KEYS, *EXTRA_KEYS})


@dataclass(frozen=True, slots=True)
class Unread:
    """A body whose tasks are the JSON array `tasks`, not looked at but for the first
    one's keys; `rest` has all else."""

    raw: bytes
    tasks: str
    count: int
    rest: Update

    def read(self) -> Update:
        """The whole body as if it had never been split. Raises body.BadBody."""
        return trace.read_update(body.parse(self.raw))


def split(raw: bytes) -> Unread | None:
    """None if the body is to be read as a whole.

    A body has one way only to be cut into two parts that are JSON, and that is
    checked: of `rest` here, of `tasks` by whoever reads it.
    """
    if len(raw) > body.SHED_ABOVE_BYTES or not raw.startswith(_START):
        return None
    at = raw.rfind(_NEXT)
    try:
        tasks = raw[len(_START) : max(at, 0)].decode()
        first, _ = _DECODER.raw_decode(tasks, 1)
        rest = body.parse(b"{" + raw[at + 1 :])
    except (ValueError, RecursionError):
        return None
    # A client sends the same keys for each task, as its version knows them.
    if not isinstance(first, dict) or not first.keys() <= _KNOWN_KEYS:
        return None
    if not tasks.endswith("]") or "tasks" in rest:
        return None
    return Unread(raw, tasks, tasks.count('"taskId":'), trace.read_update(rest))
