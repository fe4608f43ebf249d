"""The configuration: one YAML file, overridden by SEQHUB_... variables.

Composes the sections of the apps. Reading it has no side effect.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import (
    Field,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from archiving.conf import ArchivingSection
from runfolders.conf import MonitoredDirectory, RunfoldersSection
from seqhub.conf import ApiSection, DatabaseSection, ServerSection
from seqhub.config_errors import (
    ENV_DELIMITER,
    ENV_PREFIX,
    ConfigError,
    explain,
    hint,
)
from seqhub.config_file import Unreadable, read_mapping
from seqhub.lib.sections import ConfigPath, relative_to
from turret.conf import TurretSection

__all__ = ["Config", "ConfigError", "build_config", "load_config"]

# Top-level keys of the old services, and where they live here.
ARTERIA_KEYS = {
    "monitored_directories": ("runfolders", "monitored_directories"),
    "completed_marker_grace_minutes": ("runfolders", "completed_marker_grace_minutes"),
    "can_create_runfolder": ("runfolders", "can_create_runfolder"),
    "port": ("server", "port"),
}
# Whom the runs of the try-out are sealed to.
EXAMPLE_RECEIVER = "example@seqhub.invalid"

DATAFLOW_KEYS = {
    "sequencing_path": ("archiving", "sequencing_path"),
    "destination_path": ("archiving", "destination_path"),
    "archive_staging_path": ("archiving", "destination_path"),
    "gpg_receiver": ("archiving", "gpg_receivers"),
    "ignore": ("archiving", "ignore"),
    "tar_exclusions": ("archiving", "tar_exclusions"),
}


class Config(BaseSettings):
    """The whole configuration; every path in it is absolute."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    # Part of the names of queues and schedules, of which django-q2 keeps 100
    # characters.
    host: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        max_length=80,
        pattern=r"^[A-Za-z0-9._-]+$",
    )
    data_dir: ConfigPath = Field(default=Path("var"), validate_default=True)
    secret_key_file: ConfigPath | None = None
    time_zone: str = "UTC"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    # `up` appends its log to it, too.
    log_file: ConfigPath | None = None
    server: ServerSection = Field(default_factory=ServerSection)
    database: DatabaseSection = Field(default_factory=DatabaseSection)
    api: ApiSection = Field(default_factory=ApiSection)
    runfolders: RunfoldersSection = Field(default_factory=RunfoldersSection)
    archiving: ArchivingSection = Field(default_factory=ArchivingSection)
    turret: TurretSection = Field(default_factory=TurretSection)

    _file: Path | None = PrivateAttr(default=None)
    _is_tryout: bool = PrivateAttr(default=False)

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, level: Any) -> Any:
        return level.upper() if isinstance(level, str) else level

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(
                f"must be an IANA name such as Europe/Stockholm (found {name!r})"
            )
        return name

    @model_validator(mode="after")
    def _data_is_not_watched(self) -> Config:
        # It could be browsed, and its files taken for run folders.
        for root in self.runfolders.monitored_directories:
            if self.data_dir.is_relative_to(root.path):
                raise ValueError(
                    f"data_dir: {self.data_dir} must not lie in the monitored"
                    f" directory {root.path}"
                )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The file comes in as init values; the environment wins over it.
        return Environment(settings_cls), init_settings

    @property
    def file(self) -> Path | None:
        """Where it was read from; None without a file."""
        return self._file

    @property
    def names_directories(self) -> bool:
        """Whether a site of somebody's own is meant."""
        ours = self.archiving.sequencing_path or self.archiving.destination_path
        return bool(ours or self.runfolders.monitored_directories)

    @property
    def is_tryout(self) -> bool:
        """No file and no run folders named: SeqHub shows itself on examples."""
        return self._is_tryout

    @property
    def example_directory(self) -> Path:
        """The example instrument's root, watched in try-out mode."""
        return self.data_dir / "example-instrument"

    @property
    def run_keys_path(self) -> Path:
        return self.archiving.run_keys_path or self.data_dir / "run_keys"

    @property
    def secret_key_path(self) -> Path:
        return self.secret_key_file or self.data_dir / "secret-key"

    def from_file(self, file: Path) -> Config:
        """This configuration, which `file` holds."""
        self._file = file
        return self

    def for_tryout(self) -> Config:
        """This configuration, watching the example instrument and sealing its runs
        to a key of the example's own."""
        root = MonitoredDirectory(path=self.example_directory)
        runfolders = self.runfolders.model_copy(
            update={"monitored_directories": [root]}
        )
        archiving = self.archiving.model_copy(
            update={
                "destination_path": self.data_dir / "example-archives",
                "gnupg_home": self.data_dir / "example-gnupg",
                "gpg_receivers": [EXAMPLE_RECEIVER],
                "restore_roots": [self.data_dir / "example-restores"],
            }
        )
        copy = self.model_copy(
            update={"runfolders": runfolders, "archiving": archiving}
        )
        copy._is_tryout = True  # noqa: SLF001 - of our own class
        return copy


class Environment(EnvSettingsSource):
    """The SEQHUB_... variables. What is not JSON where it should be is left to
    the validation, which reports it with everything else."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        # Variables are typed in a shell: their relative paths count from there.
        for key in ("data_dir", "secret_key_file", "log_file"):
            if isinstance(path := values.get(key), str):
                values[key] = str(Path.cwd() / path) if path[0] != "~" else path
        return values

    def decode_complex_value(
        self, field_name: str, field: FieldInfo, value: Any
    ) -> Any:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value


def candidate_files() -> list[Path]:
    """Where a configuration file is looked for, first found first.

    /dev/null is an empty one.
    """
    if named := os.environ.get("SEQHUB_CONFIG"):
        return [Path(named)]
    return [
        Path("seqhub.yaml"),
        # Without a home directory the tilde stays, and nothing is found.
        Path(os.path.expanduser("~/.config/seqhub/seqhub.yaml")),  # noqa: PTH111
        Path("/etc/seqhub/seqhub.yaml"),
    ]


def load_config() -> Config:
    """The configuration of this process. Raises ConfigError with all mistakes."""
    file = _find_file()
    if file is None:
        config = build_config({}, Path.cwd())
        return config if config.names_directories else config.for_tryout()
    try:
        values, mistakes = read_mapping(file)
    except Unreadable as error:
        raise ConfigError(str(file), [str(error)]) from None
    return build_config(values, file.absolute().parent, file, mistakes)


def _find_file() -> Path | None:
    for path in candidate_files():
        try:
            if path.is_file() or str(path) == os.devnull:
                return path
        except OSError as error:
            raise ConfigError(str(path), [f"can't be read: {error.strerror}"]) from None
    if named := os.environ.get("SEQHUB_CONFIG"):
        raise ConfigError(
            named, ["there is no such file ($SEQHUB_CONFIG or --config names it)"]
        )
    return None


def build_config(
    values: dict[Any, Any],
    base: Path,
    file: Path | None = None,
    mistakes: list[str] | None = None,
) -> Config:
    """Validate `values`; relative paths in them count from `base`.

    The environment's SEQHUB_... variables win over `values`, and keys without a
    value count as not given. Raises ConfigError with `mistakes` and all others.
    """
    found = list(mistakes or [])
    values = _move_old_keys(_without_empty(values), found)
    values = _use_database_url(_known_sections(values, found))
    config = None
    try:
        with relative_to(base):
            config = Config(**values)
    except ValidationError as error:
        found += [explain(detail, Config) for detail in error.errors()]
    if config is None or found:
        raise ConfigError(str(file) if file else "configuration", found)
    return config.from_file(file) if file else config


def _without_empty(values: dict[Any, Any]) -> dict[Any, Any]:
    """`values` without the keys that have no value, also in its sections."""
    return {
        key: _without_empty(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _known_sections(values: dict[Any, Any], found: list[str]) -> dict[str, Any]:
    """The top-level keys that we know; the others become mistakes in `found`.

    Before pydantic-settings sees them: it takes keys with a leading underscore
    for options of its own, and its environment has no unknown sections.
    """
    known = Config.model_fields
    found += [
        f"{key}: unknown key; {hint((str(key),), Config)}"
        for key in values
        if key not in known
    ]
    for name in os.environ:
        section, delimiter, _ = name.removeprefix(ENV_PREFIX).partition(ENV_DELIMITER)
        if name.startswith(ENV_PREFIX) and delimiter and section.lower() not in known:
            found.append(
                f"${name}: unknown section; {hint((section.lower(),), Config)}"
            )
    return {key: value for key, value in values.items() if key in known}


def _use_database_url(values: dict[str, Any]) -> dict[str, Any]:
    """`values` with the database that $DATABASE_URL names, if it does."""
    url = os.environ.get("DATABASE_URL")
    section = values.get("database", {})
    if not url or not isinstance(section, dict):
        return values
    return {**values, "database": {**section, "url": url}}


def _move_old_keys(values: dict[Any, Any], found: list[str]) -> dict[Any, Any]:
    """`values` with top-level keys of old services in our sections; clashes in
    `found`."""
    moved = dict(values)
    for old, (section, key) in (ARTERIA_KEYS | DATAFLOW_KEYS).items():
        if old not in moved:
            continue
        value = moved.pop(old)
        ours = moved.get(section, {})
        if not isinstance(ours, dict):
            continue  # the section's own mistake is reported
        if key in ours:
            found.append(f"{old}: is also given as {section}.{key}; remove one")
        else:
            moved[section] = {**ours, key: value}
    return moved
