"""The fields of the launch form: a pipeline's parameters, in their groups."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from turret.engine.pipelines.schema import Group, Param, Schema
from turret.engine.pipelines.types import spelled, type_of

PREFIX = "param."
# A form of more is slower to read than its YAML, and Django takes 1,000 values; a
# switch that is on sends two.
MOST_FIELDS = 450
_PICKED = {"file-path": "file", "directory-path": "directory", "path": "file"}
_NUMBERS = {"integer": "numeric", "number": "decimal"}
# What a parameter may be of which nobody has said it.
ANY = ("string", "integer", "number", "boolean")


@dataclass(frozen=True, slots=True)
class Choice:
    text: str
    words: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, and the text that stands for its value."""

    id: str
    name: str
    key: str
    kind: str  # select, switch, long, text
    text: str
    default: str
    description: str
    help_text: str
    is_required: bool
    # Behind the switch.
    is_hidden: bool
    is_given: bool
    problem: str
    choices: tuple[Choice, ...]
    inputmode: str
    # What its button looks for: file, directory, or nothing.
    picks: str
    # A sheet of samples that can be checked.
    is_sheet: bool

    @property
    def is_on(self) -> bool:
        return self.text == "true"


@dataclass(frozen=True, slots=True)
class Section:
    """A group of parameters, those that are required first."""

    id: str
    title: str
    description: str
    help_text: str
    fields: tuple[Field, ...]

    @property
    def is_hidden(self) -> bool:
        return all(field.is_hidden for field in self.fields)

    @property
    def is_open(self) -> bool:
        return any(
            field.is_required or field.is_given or field.problem
            for field in self.fields
        )

    @property
    def given(self) -> int:
        return sum(field.is_given for field in self.fields)

    @property
    def hidden(self) -> int:
        return sum(field.is_hidden for field in self.fields)


def field_id(key: str) -> str:
    """Of a parameter's field in the page; a key may hold anything."""
    return f"param-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def sections_of(
    schema: Schema,
    params: Mapping[str, Any],
    problems: Mapping[str, str],
    visible: Iterable[str] = (),
) -> list[Section]:
    """`visible`: keys that are asked for; none: those that the schema does not hide."""
    wanted = set(visible)
    return [_section(group, params, problems, wanted) for group in schema.groups]


def schema_of_found(found: Mapping[str, Any], where: str) -> Schema | None:
    """What stands in for a schema where a pipeline has none: the parameters that its
    files give values to; None if there are none.

    Nested ones are left out: a field would hand them on under their dotted name.
    """
    params = tuple(_found(key, value) for key, value in found.items() if "." not in key)
    if not params:
        return None
    said = f"The pipeline has no schema; these stand in its {where}."
    return Schema("", "", (Group("found", "Parameters", said, "", params),), {})


def _section(
    group: Group,
    params: Mapping[str, Any],
    problems: Mapping[str, str],
    wanted: set[str],
) -> Section:
    fields = [_field(param, params, problems, wanted) for param in group.params]
    return Section(
        id=f"group-{hashlib.sha256(group.name.encode()).hexdigest()[:12]}",
        title=group.title,
        description=group.description,
        help_text=group.help_text,
        fields=tuple(sorted(fields, key=lambda field: not field.is_required)),
    )


def _field(
    param: Param,
    params: Mapping[str, Any],
    problems: Mapping[str, str],
    wanted: set[str],
) -> Field:
    value = params.get(param.key, param.default)
    text = spelled(value)
    is_given = param.key in params and params[param.key] != param.default
    problem = problems.get(param.key, "")
    is_asked = param.key in wanted if wanted else not param.hidden
    kind = _kind(param, text)
    return Field(
        id=field_id(param.key),
        name=f"{PREFIX}{param.key}",
        key=param.key,
        kind=kind,
        text=text,
        default=spelled(param.default),
        description=param.description,
        help_text=param.help_text,
        is_required=param.required,
        is_hidden=not (is_asked or is_given or problem or _is_missing(param)),
        is_given=is_given,
        problem=problem,
        choices=tuple(_choices(param, text)) if kind == "select" else (),
        inputmode=_NUMBERS.get(param.type, "text"),
        picks=_PICKED.get(param.format, ""),
        is_sheet=bool(param.schema),
    )


def _is_missing(param: Param) -> bool:
    return param.required and param.default is None


def _kind(param: Param, text: str) -> str:
    if param.choices and not {"array", "object"} & set(param.types):
        return "select"
    if param.types == ("boolean",) and text in ("", "true", "false"):
        return "switch"
    # A line of text would lose its ends of lines.
    if "\n" in text or {"array", "object"} & set(param.types):
        return "long"
    return "text"


def _choices(param: Param, text: str) -> Iterator[Choice]:
    texts = [spelled(choice) for choice in param.choices]
    if param.default is None or text == "":
        yield Choice("", "not set", text == "")
    if text and text not in texts:
        yield Choice(text, f"{text} (not one of them)", is_chosen=True)
    for choice in texts:
        is_default = param.default is not None and choice == spelled(param.default)
        yield Choice(
            choice, f"{choice} (default)" if is_default else choice, choice == text
        )


def _found(key: str, value: Any) -> Param:
    types = (type_of(value),) if value is not None else ANY
    return Param(
        key=key,
        type=types[0],
        types=types,
        description="",
        help_text="",
        default=value,
        required=False,
        hidden=False,
        choices=(),
        format="",
        mimetype="",
        exists=False,
        pattern="",
        minimum=None,
        maximum=None,
        group="found",
        schema="",
    )
