"""What is wrong with what the launch form asks for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from seqhub.operations.errors import DomainError
from turret.admin.launch_asked import Asked
from turret.errors import BadLaunch
from turret.services.acceptance import accept
from turret.services.launching.requests import LaunchRequest

_PARAMS = "params"
_EMPTY: dict[str, Any] = {field.name: field.default for field in fields(LaunchRequest)}


def problems_of(asked: Asked, params: dict[str, Any]) -> tuple[dict[str, str], str]:
    """Messages by the name of what they are about (those of parameters are
    `params.<key>`, "" is all of it), and why the parameters could not be checked."""
    problems: dict[str, str] = {}
    try:
        asked.run()
    except BadLaunch as error:
        problems |= error.fields
    try:
        request = asked.request(params)
    except BadLaunch as error:
        return error.fields | problems, ""
    try:
        return problems, accept(request, asked.user)
    except BadLaunch as error:
        problems |= error.fields or {"": error.message}
    except DomainError as error:
        return problems | {"": error.message}, ""
    # What is wrong elsewhere must not hide what is wrong with the parameters.
    others = [name for name in problems if name in _EMPTY and name != _PARAMS]
    if others and "source" not in others:
        mended = replace(request, **{name: _EMPTY[name] for name in others})
        try:
            return problems, accept(mended, asked.user)
        except BadLaunch as error:
            problems = error.fields | problems
        except DomainError as error:
            problems.setdefault("", error.message)
    return problems, ""
