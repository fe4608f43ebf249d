"""A Nextflow run as it was recorded, for try-out mode: `turret/examples/`.

A line of a recording is a call: `at_s` (since the first one), `call` (create, begin,
progress, heartbeat, complete) and its body as Nextflow 25.04 sent it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turret.engine.records import JsonObject

EXAMPLE = Path(__file__).parents[1] / "examples" / "steady.jsonl"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
# Other times in a body are of versions and files.
_OF_THE_RUN = dt.timedelta(hours=1)
_SPANS_MS = frozenset({"duration", "realtime"})


@dataclass(frozen=True, slots=True)
class Step:
    """A call, to be made `at_s` seconds after the first one."""

    at_s: float
    call: str
    body: JsonObject


@dataclass(frozen=True, slots=True)
class _Clock:
    """Times of the recording, made into those of the replay."""

    recorded_at: dt.datetime
    begins_at: dt.datetime
    factor: float

    def time(self, text: str) -> str:
        at = dt.datetime.fromisoformat(text)
        if abs(at - self.recorded_at) > _OF_THE_RUN:
            return text
        return (self.begins_at + (at - self.recorded_at) * self.factor).isoformat()

    def instant(self, ms: int) -> int:
        begun_ms = round(self.recorded_at.timestamp() * 1000)
        return round(self.begins_at.timestamp() * 1000 + (ms - begun_ms) * self.factor)


def read_steps(
    lasting_s: float, begins_at: dt.datetime, params: JsonObject
) -> Iterator[Step]:
    """The calls of the example, as if it took `lasting_s` and began then (aware), with
    `params` among its parameters."""
    with EXAMPLE.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    recorded_at = dt.datetime.fromtimestamp(lines[0]["body"]["instant"] / 1000, dt.UTC)
    clock = _Clock(recorded_at, begins_at, lasting_s / lines[-1]["at_s"])
    for line in lines:
        body = _moved(line["body"], clock)
        if "workflow" in body:
            body["workflow"]["params"] |= params
        yield Step(line["at_s"] * clock.factor, line["call"], body)


def _moved(value: Any, clock: _Clock, key: str = "") -> Any:
    """The same body with all times of the run moved and stretched."""
    if isinstance(value, dict):
        return {name: _moved(item, clock, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, clock) for item in value]
    if isinstance(value, str) and _TIME.fullmatch(value):
        return clock.time(value)
    if key == "instant":
        return clock.instant(value)
    if key in _SPANS_MS and isinstance(value, int):
        return round(value * clock.factor)
    return value
