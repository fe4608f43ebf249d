"""The `runfolders` section of the configuration."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from runfolders.choices import Platform
from seqhub.lib.sections import ConfigPath, Section

YEAR_HOURS = 365 * 24
YEAR_MINUTES = YEAR_HOURS * 60

# Directories that are never run folders, at any level of a root.
DEFAULT_IGNORE = (
    "nosync",
    "archived",
    "archive",
    "transferring",
    "incoming",
    "Instrument",
    "lost+found",
    ".*",
    "*~",
    "@eaDir",
    "#recycle",
    "System Volume Information",
)


def _regular_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return pattern


class MonitoredDirectory(Section):
    """A root: run folders are looked for `depth` levels below it."""

    path: ConfigPath
    depth: int = Field(default=1, ge=1, le=3)

    @model_validator(mode="before")
    @classmethod
    def _accept_plain_path(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"path": value}
        if not isinstance(value, dict | MonitoredDirectory):
            raise ValueError("must be a path, or `path` and `depth`")  # noqa: TRY004
        return value


class Completion(StrEnum):
    PLATFORM = "platform"
    ARTERIA = "arteria"


class CompletionRule(Section):
    """When a run is complete; the first rule that matches decides.

    `instrument` is a regular expression on the instrument id. All of `require`
    and, of each list in `any_of`, one must be there. `timeout_hours`: some but
    not all markers for that long means stalled.
    """

    instrument: Annotated[str, AfterValidator(_regular_expression)] | None = None
    platform: Platform | None = None
    require: list[str] = Field(default_factory=list)
    any_of: list[list[str]] = Field(default_factory=list)
    grace_minutes: float | None = Field(default=None, ge=0, le=YEAR_MINUTES)
    stable_polls: int = Field(default=0, ge=0, le=1000)
    timeout_hours: float = Field(default=6, gt=0, le=YEAR_HOURS)

    @model_validator(mode="after")
    def _names_a_marker(self) -> CompletionRule:
        if not self.require and not any(self.any_of):
            raise ValueError("needs a marker in `require` or `any_of`")
        return self


class RunfoldersSection(Section):
    monitored_directories: list[MonitoredDirectory] = Field(default_factory=list)
    # None: each rule's own grace (30 minutes where RTAComplete.txt is all
    # there is, 0 where the instrument says that the copy is complete).
    completed_marker_grace_minutes: float | None = Field(
        default=None, ge=0, le=YEAR_MINUTES
    )
    completion: Completion = Completion.PLATFORM
    completion_rules: list[CompletionRule] = Field(default_factory=list)
    # No new cycle for so long: stalled.
    stalled_after_hours: float = Field(default=12, gt=0, le=YEAR_HOURS)
    ignore: list[str] = Field(default_factory=list)
    can_create_runfolder: bool = False

    @field_validator("monitored_directories")
    @classmethod
    def _distinct(cls, roots: list[MonitoredDirectory]) -> list[MonitoredDirectory]:
        seen = set()
        for root in roots:
            if root.path in seen:
                raise ValueError(f"{root.path} is listed twice")
            seen.add(root.path)
        return roots

    @property
    def ignored_names(self) -> tuple[str, ...]:
        """Shell patterns of directory names that are passed over."""
        return (*DEFAULT_IGNORE, *self.ignore)
