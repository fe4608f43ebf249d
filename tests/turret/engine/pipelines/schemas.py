"""Schemas of pipelines: a real one, and small ones that are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from turret.engine.pipelines.schema import Schema, read_schema

RNASEQ = (
    Path(__file__).resolve().parents[3]
    / "data"
    / "schemas"
    / "nf-core-rnaseq.nextflow_schema.json"
)
DRAFT_07 = "http://json-schema.org/draft-07/schema"
DRAFT_2020_12 = "https://json-schema.org/draft/2020-12/schema"


def rnaseq() -> Schema:
    return read_schema(RNASEQ.read_text())


def text_of(
    params: dict[str, Any], *, required: tuple[str, ...] = (), **more: Any
) -> str:
    """A schema of one group, called `main`."""
    group = {"title": "Main", "properties": params, "required": list(required)}
    whole = {
        "$schema": DRAFT_2020_12,
        "$defs": {"main": group},
        "allOf": [{"$ref": "#/$defs/main"}],
    }
    return json.dumps(whole | more)


def made(
    params: dict[str, Any], *, required: tuple[str, ...] = (), **more: Any
) -> Schema:
    return read_schema(text_of(params, required=required, **more))
