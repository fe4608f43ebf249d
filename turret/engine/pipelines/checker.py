"""A program: holds values against a JSON Schema that is not to be trusted.

A regular expression may take years, and so may subschemas that refer to one another.
Python can't be made to give up on either, so it is done by a process that the kernel
ends: `checking.py` starts it by its path, alone (`python -I`): it begins quickly.

stdin: {"schema", "values": [...], "most": errors of each value, "cpu_s"}
stdout: {"found": [{"value", "path", "keyword", "expected", "count", "said"}, ...]} in
the order of the values, or {"broken": "why the schema can't be used"}.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

MEMORY_BYTES = 1 << 30
# Of what a message can name: texts and items.
LONGEST = 300
MOST_ITEMS = 20


def main() -> None:
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (asked["cpu_s"], asked["cpu_s"]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        answer: dict[str, Any] = {"found": list(_found(asked))}
    except RecursionError:
        answer = {"broken": "it refers to itself without an end"}
    except MemoryError:
        answer = {"broken": "it takes too much memory"}
    except Exception as error:  # noqa: BLE001 - of any kind: the schema is anything
        answer = {"broken": _reason(asked["schema"], error)[:LONGEST]}
    json.dump(answer, sys.stdout)


def _found(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    schema = asked["schema"]
    kind = _dialect(schema)
    # An empty registry: nothing is fetched.
    registry: Registry[Any] = Registry()
    validator = kind(schema, registry=registry, format_checker=kind.FORMAT_CHECKER)
    for number, value in enumerate(asked["values"]):
        for error in islice(validator.iter_errors(value), asked["most"]):
            yield {"value": number, **_told(error)}


def _dialect(schema: dict[str, Any]) -> type[Draft7Validator | Draft202012Validator]:
    said = schema.get("$schema")
    is_old = "draft-07" in said if isinstance(said, str) else "definitions" in schema
    return Draft7Validator if is_old else Draft202012Validator


def _reason(schema: dict[str, Any], error: Exception) -> str:
    """What is wrong with a schema by which nothing could be checked."""
    kind = _dialect(schema)
    for fault in kind(kind.META_SCHEMA).iter_errors(schema):
        return f"{fault.json_path}: {fault.message}"
    return f"{type(error).__name__}: {error}"


def _told(error: ValidationError) -> dict[str, Any]:
    schema: Any = error.schema
    expected = _expected(error, error.validator_value, error.instance)
    said = schema.get("errorMessage") if isinstance(schema, dict) else None
    return {
        "path": list(error.absolute_path),
        "keyword": error.validator,
        "expected": _cut(expected),
        "count": len(expected) if isinstance(expected, list) else 1,
        "said": said[:LONGEST] if isinstance(said, str) else "",
    }


def _expected(error: ValidationError, asked: Any, value: Any) -> Any:
    """What the schema asked for; of names, those that it is about."""
    schema: Any = error.schema
    match error.validator:
        case "required":
            return [name for name in asked if name not in value]
        case "dependentRequired":
            needed = (needs for has, needs in asked.items() if has in value)
            return [name for needs in needed for name in needs if name not in value]
        case "additionalProperties":
            known = schema.get("properties", {})
            patterns = schema.get("patternProperties", {})
            return [
                name
                for name in value
                if name not in known
                and not any(re.search(pattern, name) for pattern in patterns)
            ]
        case _:
            return asked


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, list):
        return [_cut(item) for item in value[:MOST_ITEMS]]
    return None if isinstance(value, dict) else value


if __name__ == "__main__":
    main()
