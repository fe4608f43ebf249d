"""What the sections of the configuration file are made of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_base_directory: ContextVar[Path | None] = ContextVar("base_directory", default=None)


@contextmanager
def relative_to(directory: Path) -> Iterator[None]:
    """Within it, relative paths in a section count from `directory`."""
    token = _base_directory.set(directory)
    try:
        yield
    finally:
        _base_directory.reset(token)


def _absolute(path: Path) -> Path:
    base = _base_directory.get() or Path.cwd()
    # normpath, not resolve(): a monitored directory may be a link, and is
    # shown and served under the name that the sysadmin gave it.
    return Path(os.path.normpath(base / path.expanduser()))


ConfigPath = Annotated[Path, AfterValidator(_absolute)]


class Section(BaseModel):
    """A part of the configuration: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
