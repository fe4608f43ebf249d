"""Bodies that real Nextflow sent (tests/data/transcripts, see the README there)."""

from __future__ import annotations

import json
from functools import cache
from typing import NamedTuple

from tests.turret.replay import TRANSCRIPTS
from turret.engine.records import JsonObject


class Sent(NamedTuple):
    verb: str  # create, begin, progress, heartbeat, complete
    body: JsonObject


@cache
def sent(name: str) -> tuple[Sent, ...]:
    """All trace calls of a transcript with a JSON body, in order."""
    lines = (TRANSCRIPTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    calls = [json.loads(line) for line in lines]
    return tuple(
        Sent(call["path"].rsplit("/", 1)[1], call["body"])
        for call in calls
        if "/trace/" in call["path"] and isinstance(call["body"], dict)
    )


@cache
def everything() -> tuple[Sent, ...]:
    names = sorted(
        str(file.relative_to(TRANSCRIPTS).with_suffix(""))
        for file in TRANSCRIPTS.rglob("*.jsonl")
    )
    return tuple(call for name in names for call in sent(name))


def last(name: str, verb: str) -> JsonObject:
    """The body of the last call of this verb."""
    return next(call.body for call in reversed(sent(name)) if call.verb == verb)
