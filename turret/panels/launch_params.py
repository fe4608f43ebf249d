"""The parameters of a launch, and how they differ from those it comes of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seqhub.lib.panels import Panel
from turret.engine.masking import MASKED, mask
from turret.models import Launch
from turret.panels.inputs import MOST_PARAMETERS, flat
from turret.panels.launch_links import launch_link


@dataclass(frozen=True, slots=True)
class Line:
    """A parameter; `was` is what the parent had, None: no such parameter."""

    name: str
    value: str | None  # None: it is left out now
    was: str | None
    is_changed: bool = False

    @property
    def how(self) -> str:
        if not self.is_changed:
            return ""
        if self.was is None:
            return "new"
        return "left out" if self.value is None else "changed"


def parameters_panel(launch: Launch, *, may_see: bool) -> Panel:
    """With a parent: one query."""
    if not may_see:
        return Panel("hidden", "Parameters", "turret/panels/hidden.html")
    parent = launch.parent
    if parent is None:
        lines = [Line(name, value, None) for name, value in flat(mask(launch.params))]
    else:
        lines = list(differences(launch.params, parent.params))
    # What differs is never what is left out.
    lines.sort(key=lambda line: not line.is_changed)
    return Panel(
        "parameters",
        "Parameters",
        "turret/panels/launch_params.html",
        {
            "lines": lines[:MOST_PARAMETERS],
            "more": max(len(lines) - MOST_PARAMETERS, 0),
            "parent": parent,
            "parent_link": launch_link(parent) if parent else "",
            "changed": sum(line.is_changed for line in lines),
        },
        count=len(lines) or None,
    )


def differences(now: Mapping[str, Any], was: Mapping[str, Any]) -> Iterator[Line]:
    """All parameters of both, masked. A secret that is another one is told, too."""
    for key in sorted(now.keys() | was.keys()):
        new = _flat_of(now, key)
        old = _flat_of(was, key)
        differs = (key in now) != (key in was) or now.get(key) != was.get(key)
        for name in sorted(new.keys() | old.keys()):
            value, before = new.get(name), old.get(name)
            is_hidden = MASKED in f"{value}{before}"
            changed = value != before or (differs and is_hidden)
            yield Line(name, value, before, changed)


def _flat_of(params: Mapping[str, Any], key: str) -> dict[str, str]:
    return dict(flat(mask({key: params[key]}))) if key in params else {}
