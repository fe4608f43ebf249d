"""The `archiving` section of the configuration."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field, field_validator, model_validator

from seqhub.lib.sections import ConfigPath, Section

# dataflow_archive's names of keys that we call otherwise.
OLD_KEYS = {
    "archive_staging_path": "destination_path",
    "gpg_receiver": "gpg_receivers",
}


class Registration(StrEnum):
    """What makes a run folder due for sealing."""

    SENTINEL = "sentinel"  # a file that the transfer leaves in it
    COMPLETE = "complete"  # the sequencer has written all of it
    BY_HAND = "by_hand"


class Sentinel(Section):
    """The file that says that a run has arrived whole."""

    name: str = Field(
        default=".metadata_rsync_exitcode", min_length=1, pattern=r"^[^/\x00]+$"
    )
    # What it must hold, blanks aside; empty: anything.
    content: str = "0"
    min_age_s: float = Field(default=0, ge=0)


class ArchivingSection(Section):
    sequencing_path: ConfigPath | None = None
    destination_path: ConfigPath | None = None
    # None: run_keys in the data directory.
    run_keys_path: ConfigPath | None = None
    gpg_receivers: list[str] = Field(default_factory=list)
    # None: what gpg itself would use.
    gnupg_home: ConfigPath | None = None
    restore_roots: list[ConfigPath] = Field(default_factory=list)
    ignore: list[str] = Field(default_factory=list)
    tar_exclusions: list[str] = Field(default_factory=list)
    # None: the sentinel below sequencing_path, completeness in monitored ones.
    register_when: Registration | None = None
    sentinel: Sentinel = Field(default_factory=Sentinel)
    max_concurrent_jobs: int = Field(default=2, ge=1, le=16)
    free_space_margin_gb: float = Field(default=1, ge=0)
    # A worker that is silent for so long has lost its job.
    lease_s: float = Field(default=60, ge=2, le=3600)
    # Each archive is read again at least so often; 0: never.
    reverify_days: float = Field(default=90, ge=0)
    restore_keep_days: float = Field(default=14, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for old, new in OLD_KEYS.items():
            if old not in values:
                continue
            if new in values:
                raise ValueError(f"{old} is also given as {new}; remove one")
            values[new] = values.pop(old)
        return values

    @field_validator("gpg_receivers", mode="before")
    @classmethod
    def _accept_one(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("gpg_receivers")
    @classmethod
    def _distinct(cls, receivers: list[str]) -> list[str]:
        names = [name.strip() for name in receivers]
        # gpg would take it for an option.
        if any(not name or name.startswith("-") for name in names):
            raise ValueError("each must be a fingerprint, an address or a name")
        return list(dict.fromkeys(names))

    @property
    def is_on(self) -> bool:
        """Whether archives can be made at all."""
        return self.destination_path is not None and bool(self.gpg_receivers)
