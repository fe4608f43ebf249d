"""YAML that stands for plain JSON, and no more."""

from __future__ import annotations

import re
from typing import Any

import yaml

from turret.engine.pipelines.plain import NotPlain, problem_of


class _Loader(yaml.SafeLoader):
    """Plain values only. A reference can make gigabytes of one line; a tag makes
    something that is no JSON; dates, and `1:30` as a number, nobody means."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refusal("references", event)
        if getattr(event, "tag", None) is not None:
            raise _refusal("tags", event)
        return super().compose_node(parent, index)


def _refusal(what: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(
        problem=f"{what} are not accepted", problem_mark=event.start_mark
    )


_NOT_MEANT = {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "int", "float")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag not in _NOT_MEANT]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:[0-9]{1,300}\.[0-9]{0,300}(?:[eE][-+]?[0-9]{1,3})?"
        r"|[0-9]{1,300}[eE][-+]?[0-9]{1,3}|\.[0-9]{1,300})$"
    ),
    list("-+0123456789."),
)


def parse(text: str) -> Any:
    """The value that YAML text stands for. Raises NotPlain."""
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except RecursionError:
        raise NotPlain("is nested too deeply") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise NotPlain(f"is not YAML: {error.problem}{place}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise NotPlain(f"is not YAML: {error}") from None
    if problem := problem_of(found):
        raise NotPlain(problem)
    return found
