"""Values of parameters on their way to a page and back: as YAML, and without what the
person in front of it may not see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from turret.engine.masking import mask
from turret.engine.pipelines import plain_yaml
from turret.engine.pipelines.plain import NotPlain
from turret.engine.pipelines.schema import Param, Schema
from turret.engine.pipelines.types import typed
from turret.engine.pipelines.values import BadParams, from_form, read_params_file
from turret.panels.launch_form import ANY, PREFIX


def written(values: Mapping[str, Any]) -> str:
    """YAML that read_params_file reads as the same values; nothing for none."""
    if not values:
        return ""
    plain = dict(values)
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=1000)
    try:
        is_same = plain_yaml.parse(text) == plain
    except NotPlain:
        is_same = False
    # JSON is YAML, too, and quotes what only looks like a number.
    return str(text) if is_same else json.dumps(plain, indent=2, ensure_ascii=False)


def read(text: str) -> dict[str, Any]:
    """Raises BadParams."""
    return (
        read_params_file(text.encode("utf-8", "replace"), "It") if text.strip() else {}
    )


def of_fields(schema: Schema, texts: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that the form's fields stand for."""
    return from_form(schema, _own(texts))


def guessed(texts: Mapping[str, str]) -> dict[str, Any]:
    """The same where the schema can't be had any longer: what looks like a number is
    one, and defaults can't be told from what somebody wrote."""
    return {key: typed(text, ANY) for key, text in _own(texts).items() if text}


def _own(texts: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX): text.replace("\r\n", "\n")
        for name, text in texts.items()
        if name.startswith(PREFIX)
    }


def unset(param: Param) -> Any:
    """The value of a field that nobody has touched."""
    if param.default is None and param.types == ("boolean",):
        return False
    return param.default


def shown(values: Mapping[str, Any], *, may_see: bool) -> dict[str, Any]:
    masked: dict[str, Any] = dict(values) if may_see else mask(dict(values))
    return masked


def restored(values: Mapping[str, Any], originals: Mapping[str, Any]) -> dict[str, Any]:
    """With what was masked in `originals` where it came back as it was shown."""
    masked = mask(dict(originals))
    return {
        key: originals[key] if key in masked and masked[key] == value else value
        for key, value in values.items()
    }


__all__ = [
    "BadParams",
    "guessed",
    "of_fields",
    "read",
    "restored",
    "shown",
    "unset",
    "written",
]
