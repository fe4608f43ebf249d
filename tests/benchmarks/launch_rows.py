"""What the benchmark of launching looks at. To be imported when Django is set up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.clients import make_user
from tests.turret.factories import (
    ComputeFactory,
    LaunchFactory,
    PipelineFactory,
    WorkflowFactory,
)
from turret.models import Launch, Workflow


def schema(count: int) -> dict[str, Any]:
    """Of a pipeline with so many parameters."""
    kinds: list[dict[str, Any]] = [
        {"type": "string", "format": "file-path", "pattern": "^\\S+\\.csv$"},
        {"type": "integer", "default": 3, "minimum": 1},
        {"type": "boolean"},
        {"type": "string", "enum": ["star", "salmon", "hisat2"]},
        {"type": "number", "default": 0.5, "help_text": "Between 0 and 1. " * 20},
    ]
    groups = {
        f"group{first}": {
            "title": f"Group {first}",
            "type": "object",
            "properties": {
                f"param{number}": {
                    **kinds[number % len(kinds)],
                    "description": f"Parameter number {number}",
                }
                for number in range(first, first + 15)
            },
        }
        for first in range(0, count, 15)
    }
    return {"$defs": groups, "allOf": [{"$ref": f"#/$defs/{name}"} for name in groups]}


def fill(count: int) -> None:
    """Launches of some years: saved pipelines, people, one in three resumed."""
    now = timezone.now()
    people = [make_user() for _ in range(20)]
    saved = [PipelineFactory.create() for _ in range(20)]
    compute = ComputeFactory.create()
    params = {f"param{number}": f"/data/value/{number}" for number in range(30)}
    runs: list[Workflow] = Workflow.objects.bulk_create(
        (
            WorkflowFactory.build(
                ended=True,
                owner=people[number % 20],
                params=params,
                config_text="process { cpus = 2 }\n" * 200,
                created_at=now - timedelta(hours=count - number),
            )
            for number in range(count)
        ),
        batch_size=1000,
    )
    rows = [
        LaunchFactory.build(
            workflow=run,
            compute=compute,
            owner=run.owner,
            pipeline=saved[number % 20],
            source=f"nf-core/demo{number % 40}",
            params=params,
            config_text="process { cpus = 2 }\n" * 100,
            labels=["validation"],
            state="failed" if number % 10 == 0 else "succeeded",
            submitted_at=run.created_at,
            finished_at=run.created_at,
        )
        for number, run in enumerate(runs)
    ]
    rows = Launch.objects.bulk_create(rows, batch_size=1000)
    for number in range(1, count, 3):
        rows[number].parent = rows[number - 1]
    Launch.objects.bulk_update(rows[1::3], ["parent"], batch_size=1000)
