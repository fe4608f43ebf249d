"""How a workflow was started: parameters, configuration, versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from seqhub.lib.panels import Panel
from seqhub.lib.units import format_bytes
from turret.engine.masking import mask
from turret.models import Workflow

_DEEPEST = 8
# More than any pipeline has; what is left out is counted.
MOST_PARAMETERS = 500


def inputs_panels(workflow: Workflow, *, may_see: bool) -> list[Panel]:
    """Of parameters and configuration nothing is read for whom may not see them."""
    workflow.refresh_from_db(fields=["manifest", "extra"])
    panels = []
    if may_see:
        workflow.refresh_from_db(fields=["params", "config_text", "config_files"])
        panels += [_parameters(workflow), _configuration(workflow)]
    else:
        panels.append(Panel("hidden", "Parameters", "turret/panels/hidden.html"))
    panels.append(
        Panel(
            "versions",
            "Versions",
            "runfolders/panels/facts.html",
            {"facts": _versions(workflow)},
        )
    )
    return panels


def _parameters(workflow: Workflow) -> Panel:
    rows = list(flat(mask(workflow.params or {})))
    return Panel(
        "parameters",
        "Parameters",
        "turret/panels/parameters.html",
        {
            "rows": rows[:MOST_PARAMETERS],
            "more": max(len(rows) - MOST_PARAMETERS, 0),
            "command_line": mask(workflow.command_line),
        },
        count=len(rows) or None,
    )


def _configuration(workflow: Workflow) -> Panel:
    return Panel(
        "configuration",
        "Configuration",
        "turret/panels/configuration.html",
        {
            "files": [str(name) for name in workflow.config_files or []],
            "text": mask(workflow.config_text),
        },
    )


def flat(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and value as text, in the order of names."""
    for key in sorted(value):
        name, item = f"{before}{key}", value[key]
        if isinstance(item, dict) and isinstance(item.get("bytes"), int):
            yield name, format_bytes(item["bytes"])  # Nextflow's MemoryUnit
        elif isinstance(item, dict) and item and before.count(".") < _DEEPEST:
            yield from flat(item, f"{name}.")
        elif isinstance(item, str):
            yield name, item
        else:
            yield name, json.dumps(item, ensure_ascii=False)


def _versions(workflow: Workflow) -> list[tuple[str, Any, str]]:
    manifest = workflow.manifest if isinstance(workflow.manifest, dict) else {}
    extra = workflow.extra if isinstance(workflow.extra, dict) else {}
    rows: list[tuple[str, Any, str]] = [
        ("Nextflow", workflow.nextflow_version, "text"),
        ("Client", workflow.client, "text"),
        ("Pipeline", manifest.get("name") or workflow.project_name, "text"),
        ("Its version", manifest.get("version"), "text"),
        ("Needs Nextflow", manifest.get("nextflowVersion"), "text"),
        ("Description", manifest.get("description"), "text"),
        ("Repository", workflow.repository, "path"),
        ("Revision", workflow.revision, "text"),
        ("Commit", workflow.commit_id, "path"),
        ("Script", workflow.script_file or workflow.script_name, "path"),
        ("Script id", workflow.script_id, "code"),
        ("Profile", workflow.profile, "text"),
        ("Container", workflow.container, "path"),
        ("Container engine", workflow.container_engine, "text"),
    ]
    for key, label in (("wave", "Wave"), ("fusion", "Fusion")):
        value = extra.get(key)
        if isinstance(value, dict) and value.get("enabled"):
            rows.append((label, value.get("version") or "enabled", "text"))
    return [row for row in rows if isinstance(row[1], str) and row[1]]
