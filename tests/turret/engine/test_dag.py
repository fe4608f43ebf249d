from __future__ import annotations

from typing import Any

import pytest

from turret.engine.dag import feeders


def edge(source: str | None, target: str | None) -> dict[str, Any]:
    return {"source": source, "target": target}


def process(number: str, label: str | None) -> dict[str, Any]:
    return {"id": number, "type": "PROCESS", "label": label}


def test_operators_between_processes_are_left_out() -> None:
    vertices = [process("1", "A"), {"id": "2", "type": "OPERATOR", "label": "map"}]
    vertices += [process("3", "B"), process("4", "C"), {"id": "0", "type": "ORIGIN"}]
    edges = [edge("0", "1"), edge("1", "2"), edge("2", "3"), edge("3", "4")]
    edges += [edge("2", "4"), edge(None, "4"), edge("4", None)]
    found = feeders({"vertices": vertices, "edges": edges})
    assert found == {"A": [], "B": ["A"], "C": ["A", "B"]}


def test_circles_end() -> None:
    vertices = [process("1", "A"), {"id": "2"}, {"id": "3"}]
    edges = [edge("2", "3"), edge("3", "2"), edge("3", "1"), edge("1", "1")]
    assert feeders({"vertices": vertices, "edges": edges}) == {"A": ["A"]}


@pytest.mark.parametrize(
    "dag",
    [
        None,
        [],
        "x",
        {"vertices": 1, "edges": {}},
        {"vertices": [None, 1, {}], "edges": [{}, None, "x"]},
        {"vertices": [process("1", None)]},
    ],
)
def test_what_is_no_graph_has_no_processes(dag: Any) -> None:
    assert feeders(dag) == {}


def test_a_huge_graph_takes_a_bounded_number_of_steps() -> None:
    vertices: list[dict[str, Any]] = [{"id": str(n)} for n in range(3000)]
    vertices += [process(f"p{n}", f"P{n}") for n in range(1000)]
    edges = [edge(str(n), str(n + 1)) for n in range(2999)]
    edges += [edge("2999", f"p{n}") for n in range(1000)]
    assert len(feeders({"vertices": vertices, "edges": edges})) == 1000
