"""A pipeline's parameters, as its `nextflow_schema.json` describes them.

The format is nf-core's: JSON Schema with `title`, `help_text`, `hidden`, `mimetype`,
`exists`, `schema` and `errorMessage` beside its own keywords. Draft-07 keeps the groups
in `definitions` (nf-validation), 2020-12 in `$defs` (nf-schema); `allOf` has their
order. Whoever wrote the pipeline wrote it: its size and depth are bounded, nothing that
it refers to is fetched, and its texts are texts, whatever markup they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from turret.engine.pipelines import plain
from turret.engine.pipelines.types import TYPES, fitting, types_of
from turret.engine.values import flag, items, real, text, texts

# The largest of nf-core have 0.2 million characters and 200 parameters.
LONGEST_SCHEMA = 1_000_000
MOST_PARAMS = 2_000
LONGEST_LINE = 500
LONGEST_HELP = 20_000
NAME = "nextflow_schema.json"
# Of parameters that no group holds.
OTHERS = "other_parameters"
_GROUPS = ("$defs", "definitions")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


class BadSchema(ValueError):
    """No form can be made of it; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. All texts are plain; what is not stated is empty or None."""

    key: str
    # What a field for it takes; of several that are allowed: string.
    type: str
    types: tuple[str, ...]
    description: str
    help_text: str
    # None also where the schema has one that is not of its own type.
    default: Any
    required: bool
    hidden: bool
    choices: tuple[Any, ...]
    format: str
    mimetype: str
    # The path must be there.
    exists: bool
    pattern: str
    minimum: float | None
    maximum: float | None
    group: str
    # A file of the repository: the schema of the sample sheet that it names.
    schema: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    description: str
    help_text: str
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    title: str
    description: str
    groups: tuple[Group, ...]
    # As it was read, for the check of values.
    document: dict[str, Any]

    @property
    def params(self) -> dict[str, Param]:
        """By key, in the order of the form."""
        return {param.key: param for group in self.groups for param in group.params}


def read_schema(source: str) -> Schema:
    """Raises BadSchema."""
    document = read_document(source, NAME)
    found: dict[str, Param] = {}
    groups = []
    for name, group in _groups(document):
        needed = {*texts(document.get("required")), *texts(group.get("required"))}
        params = [
            _param(key, details, name, is_required=key in needed)
            for key, details in _properties(group)
            if key not in found
        ]
        found.update((param.key, param) for param in params)
        if params:
            groups.append(_group(name, group, params))
    if len(found) > MOST_PARAMS:
        raise BadSchema(f"{NAME} has more than {MOST_PARAMS:,} parameters.")
    return Schema(
        title=text(document.get("title"), LONGEST_LINE),
        description=text(document.get("description"), LONGEST_HELP),
        groups=tuple(groups),
        document=document,
    )


def read_document(source: str, name: str) -> dict[str, Any]:
    """A JSON Schema that refers to nothing outside of it. Raises BadSchema, whose
    message calls it `name`."""
    if len(source) > LONGEST_SCHEMA:
        raise BadSchema(f"{name} has more than {LONGEST_SCHEMA:,} characters.")
    try:
        document = plain.parse(source)
    except plain.NotPlain as error:
        raise BadSchema(f"{name} {error}.") from None
    if not isinstance(document, dict):
        raise BadSchema(f"{name} is not a JSON object.")
    for reference in _references(document):
        if not reference.startswith("#"):
            raise BadSchema(
                f"{name} refers to {reference:.200}, which is not part of it; "
                "nothing is fetched."
            )
    return document


def _references(value: Any) -> Iterator[str]:
    """All that it refers to; it is not deep."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _REFERENCES and isinstance(item, str):
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _groups(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and description of each group, in the order of `allOf`; without that, of
    the definitions; last what stands in no group."""
    defined = {
        name: group
        for place in _GROUPS
        for name, group in _mapping(document.get(place)).items()
        if isinstance(group, dict)
    }
    listed = [item for item in items(document.get("allOf")) if isinstance(item, dict)]
    if not listed:
        yield from defined.items()
    for number, item in enumerate(listed, 1):
        name = _name_of(item.get("$ref"))
        if name in defined:
            yield name, defined[name]
        elif "properties" in item:
            yield f"group_{number}", item
    others = {key: document.get(key) for key in ("properties", "required")}
    yield OTHERS, {"title": "Other parameters", **others}


def _name_of(reference: object) -> str:
    """What stands behind `#/$defs/` or `#/definitions/`."""
    for place in _GROUPS:
        if isinstance(reference, str) and reference.startswith(f"#/{place}/"):
            name = unquote(reference.removeprefix(f"#/{place}/"))
            return name.replace("~1", "/").replace("~0", "~")
    return ""


def _properties(group: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, details in _mapping(group.get("properties")).items():
        if isinstance(details, dict):
            yield key, details


def _group(name: str, group: Mapping[str, Any], params: list[Param]) -> Group:
    return Group(
        name=name,
        title=text(group.get("title"), LONGEST_LINE) or name.replace("_", " "),
        description=text(group.get("description"), LONGEST_HELP),
        help_text=text(group.get("help_text"), LONGEST_HELP),
        params=tuple(params),
    )


def _param(
    key: str, details: Mapping[str, Any], group: str, *, is_required: bool
) -> Param:
    types = types_of(details)
    return Param(
        key=key,
        type=types[0] if len(types) == 1 else TYPES[0],
        types=types,
        description=text(details.get("description"), LONGEST_HELP),
        help_text=text(details.get("help_text"), LONGEST_HELP),
        default=fitting(details.get("default"), types),
        required=is_required,
        hidden=flag(details.get("hidden")) or False,
        choices=_choices(details),
        format=text(details.get("format"), LONGEST_LINE),
        mimetype=text(details.get("mimetype"), LONGEST_LINE),
        exists=flag(details.get("exists")) or False,
        pattern=text(details.get("pattern"), LONGEST_LINE),
        minimum=_real(details.get("minimum")),
        maximum=_real(details.get("maximum")),
        group=group,
        schema=text(details.get("schema"), LONGEST_LINE),
    )


def _choices(details: Mapping[str, Any]) -> tuple[Any, ...]:
    """Those that a person can choose; null is the same as no choice."""
    if "const" in details:
        return (details["const"],)
    return tuple(item for item in items(details.get("enum")) if item is not None)


def _real(value: object) -> float | None:
    return None if isinstance(value, str) else real(value)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
