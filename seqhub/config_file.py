"""Reading the YAML of a configuration file, whatever is in it."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

# A configuration is a few kB. Parsing is slow, so a log or an archive that is
# named by mistake must not be tried.
LIMIT_BYTES = 256 * 1024


class Unreadable(Exception):
    """The file holds no mapping; the message says what is wrong with it."""


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases that remembers the keys that are given twice."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[str] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        # A few lines of aliases can stand for gigabytes, or for themselves.
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                problem="aliases are not known here; write the value out",
                problem_mark=self.get_mark(),
            )
        return super().compose_node(parent, index)

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key.value, str) and key.value in lines:
                self.repeated.append(
                    f"line {line}: {key.value} is already given in line"
                    f" {lines[key.value]}; remove one"
                )
            elif isinstance(key, yaml.ScalarNode):
                lines[key.value] = line
        return super().construct_mapping(node, deep=deep)


def read_mapping(file: Path) -> tuple[dict[Any, Any], list[str]]:
    """The mapping in a file, and one line for each key that is given twice.

    An empty file is an empty mapping. Raises Unreadable.
    """
    text = _text(file)
    try:
        loader = _Loader(text)
        values = loader.get_single_data()
    except yaml.YAMLError as error:
        raise Unreadable(_yaml_problem(error)) from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        # What looks like a date or number to YAML, but is none.
        raise Unreadable(f"not valid YAML: {error}; quote the value") from None
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise Unreadable("must hold `key: value` lines")
    return values, loader.repeated


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(LIMIT_BYTES + 1)
        if len(content) > LIMIT_BYTES:
            raise Unreadable(
                f"is larger than {LIMIT_BYTES // 1024} KiB: not a configuration file"
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise Unreadable(f"can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable("can't be read: it is not UTF-8 text") from None


def _yaml_problem(error: yaml.YAMLError) -> str:
    where = ""
    if mark := getattr(error, "problem_mark", None):
        where = f"line {mark.line + 1}, column {mark.column + 1}: "
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{where}not valid YAML: {problem}"
