"""The graph of a pipeline, as Nextflow 26.05 and later send it (DagSerializer).

`{"vertices": [{"id", "type": PROCESS|OPERATOR|ORIGIN|NODE, "label", "scope"}],
"edges": [{"source", "target", "label"}]}`; ends of edges may be null.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

# Of edges that are followed; real pipelines have some thousands.
MOST_STEPS = 200_000


def feeders(dag: object) -> dict[str, list[str]]:
    """Process -> those that it takes data from, operators between them left out.

    Both in the order of the graph; empty where there is no such graph.
    """
    dag = dag if isinstance(dag, dict) else {}
    processes: dict[str, str] = {}
    for vertex in _objects(dag.get("vertices")):
        if vertex.get("type") == "PROCESS" and vertex.get("label"):
            processes[str(vertex.get("id"))] = str(vertex["label"])
    before: dict[str, list[str]] = defaultdict(list)
    for edge in _objects(dag.get("edges")):
        if edge.get("source") is not None:
            before[str(edge.get("target"))].append(str(edge["source"]))
    found: dict[str, list[str]] = {}
    left = MOST_STEPS
    for vertex_id, name in processes.items():
        ids, steps = _nearest(vertex_id, before, processes, left)
        left -= steps
        found[name] = [processes[one] for one in processes if one in ids]
    return found


def _nearest(
    start: str, before: dict[str, list[str]], processes: dict[str, str], most: int
) -> tuple[set[str], int]:
    """The processes upstream with nothing but operators between, and how many edges
    were followed."""
    found: set[str] = set()
    seen = {start}
    waiting = [start]
    steps = 0
    while waiting and steps < most:
        for vertex_id in before.get(waiting.pop(), ()):
            steps += 1
            if vertex_id in processes:
                found.add(vertex_id)
            elif vertex_id not in seen:
                seen.add(vertex_id)
                waiting.append(vertex_id)
    return found, steps


def _objects(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
