"""What else Nextflow said of a workflow: images, the graph of its processes, and what
has no place of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from seqhub.lib.panels import Panel
from turret.engine.dag import feeders
from turret.engine.masking import mask
from turret.models import Workflow
from turret.panels.inputs import MOST_PARAMETERS, flat
from turret.panels.links import tasks_link
from turret.words import simple_name

MOST_IMAGES = 200
MOST_PROCESSES = 500


def details_panels(workflow: Workflow) -> list[Panel]:
    """Two queries."""
    workflow.refresh_from_db(fields=["dag", "containers", "extra"])
    return [_images(workflow), _graph(workflow), _rest(workflow)]


def _images(workflow: Workflow) -> Panel:
    """Containers of its tasks, and what Wave made each of them from."""
    sources = {
        str(image.get("targetImage")): str(mask(image.get("sourceImage") or ""))
        for image in workflow.containers or []
        if isinstance(image, dict)
    }
    tasks = workflow.tasks.exclude(container="").order_by("container")
    counts = tasks.values_list("container").annotate(Count("pk"))[: MOST_IMAGES + 1]
    lines = [
        {"image": image, "source": sources.pop(image, ""), "tasks": number}
        for image, number in counts
    ]
    lines += [
        {"image": image, "source": source, "tasks": None}
        for image, source in sources.items()
    ]
    return Panel(
        "images",
        "Containers",
        "turret/panels/images.html",
        {
            "lines": lines[:MOST_IMAGES],
            "is_cut": len(lines) > MOST_IMAGES,
            "workflow": workflow,
        },
        count=None if len(lines) > MOST_IMAGES else len(lines) or None,
    )


def _graph(workflow: Workflow) -> Panel:
    found = feeders(workflow.dag)
    lines = [
        {
            "name": name,
            "short": simple_name(name),
            "link": tasks_link(workflow, process=name),
            "before": [(simple_name(one), one) for one in before],
        }
        for name, before in list(found.items())[:MOST_PROCESSES]
    ]
    return Panel(
        "graph",
        "From process to process",
        "turret/panels/graph.html",
        {"lines": lines, "more": max(len(found) - MOST_PROCESSES, 0)},
        count=len(found) or None,
    )


def _rest(workflow: Workflow) -> Panel:
    extra: dict[str, Any] = workflow.extra if isinstance(workflow.extra, dict) else {}
    rows = list(flat(mask(extra)))
    return Panel(
        "rest",
        "As Nextflow calls it",
        "turret/panels/rest.html",
        {
            "rows": rows[:MOST_PARAMETERS],
            "more": max(len(rows) - MOST_PARAMETERS, 0),
        },
        count=len(rows) or None,
    )
