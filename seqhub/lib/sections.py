"""What the sections of the configuration file are made of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
)

_base_directory: ContextVar[Path | None] = ContextVar("base_directory", default=None)


@contextmanager
def relative_to(directory: Path) -> Iterator[None]:
    """Within it, relative paths in a section count from `directory`."""
    token = _base_directory.set(directory)
    try:
        yield
    finally:
        _base_directory.reset(token)


def _names_something(value: object) -> object:
    if isinstance(value, str) and (not value or "\0" in value):
        raise ValueError("must be a path")
    return value


def _absolute(path: Path) -> Path:
    base = _base_directory.get() or Path.cwd()
    try:
        path = path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path.parts[0]} is nobody's home directory here") from None
    # normpath, not resolve(): a monitored directory may be a link, and is
    # shown and served under the name that the sysadmin gave it.
    return Path(os.path.normpath(base / path))


ConfigPath = Annotated[
    Path, BeforeValidator(_names_something), AfterValidator(_absolute)
]


class Section(BaseModel):
    """A part of the configuration: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads yes, no, on and off as truth, and pydantic true as 1.
        field = cls.model_fields[info.field_name or ""]
        if isinstance(value, bool) and field.annotation is not bool:
            word = str(value).lower()
            raise ValueError(f"must not be {word} (yes, no, on and off: quote them)")
        return value
