"""The columns of a workflow that begin and complete fill."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

from turret.engine.records import Begin, Complete, JsonObject, Run
from turret.models import Workflow
from turret.services.rows import fits

# Of those that are kept for a workflow.
MOST_CONTAINERS = 1000

# What `begin` says of them means nothing.
_OF_THE_END = {
    "success",
    "exit_status",
    "error_message",
    "error_report",
    "completed_at",
    "duration_ms",
    "stats",
}
_EMPTY: tuple[Any, ...] = (None, "", {}, [])


def columns_at_begin(call: Begin) -> dict[str, Any]:
    told = _columns(call.run)
    for name in _OF_THE_END:
        del told[name]
    return {**told, "process_names": call.process_names, "dag": call.dag}


def columns_at_end(call: Complete) -> dict[str, Any]:
    return {**_columns(call.run), "metrics": call.metrics}


def store_columns(
    pk: int,
    told: dict[str, Any],
    *,
    only_gaps: bool = False,
    one_by_one: bool = False,
) -> None:
    """Into the row of a locked workflow. What is empty changes nothing; with
    `only_gaps` neither does what is known already.

    One by one, a value that does not fit is left out.
    """
    changes = {name: value for name, value in told.items() if value not in _EMPTY}
    row = Workflow.objects.filter(pk=pk)
    if wanted := changes if only_gaps else changes.keys() & {"extra"}:
        stored = row.values(*wanted).get()
        _merge(changes, stored, only_gaps=only_gaps)
    if not changes:
        return
    if not one_by_one:
        row.update(**changes)
        return
    for name, value in changes.items():
        fits(name, row.update, **{name: value})


def add_containers(pk: int, new: list[JsonObject]) -> None:
    """To those of a locked workflow; each is there once, in an order that does not
    depend on theirs."""
    row = Workflow.objects.filter(pk=pk)
    stored: list[JsonObject] = row.values_list("containers", flat=True).get()
    by_text = {json.dumps(item, sort_keys=True): item for item in (*stored, *new)}
    kept = [by_text[text] for text in sorted(by_text)][:MOST_CONTAINERS]
    if kept != stored:
        row.update(containers=kept)


def _columns(run: Run) -> dict[str, Any]:
    return {field.name: getattr(run, field.name) for field in fields(run)}


def _merge(changes: dict[str, Any], stored: dict[str, Any], *, only_gaps: bool) -> None:
    """Change `changes` to what has to be written over `stored`."""
    if "extra" in changes:
        old, new = stored.pop("extra"), changes["extra"]
        changes["extra"] = {**new, **old} if only_gaps else {**old, **new}
    for name, value in stored.items():
        if only_gaps and value not in _EMPTY:
            del changes[name]
