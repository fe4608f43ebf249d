"""The configuration: one YAML file, overridden by SEQHUB_... variables.

Composes the sections of the apps. Reading it has no side effect.
"""

from __future__ import annotations

import difflib
import os
import socket
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import (
    AnyHttpUrl,
    BaseModel,
    Field,
    IPvAnyNetwork,
    PrivateAttr,
    ValidationError,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from runfolders.conf import MonitoredDirectory, RunfoldersSection
from seqhub.lib.sections import ConfigPath, Section, relative_to

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

# Arteria's top-level keys, and where they live here.
ARTERIA_KEYS = {
    "monitored_directories": ("runfolders", "monitored_directories"),
    "completed_marker_grace_minutes": ("runfolders", "completed_marker_grace_minutes"),
    "can_create_runfolder": ("runfolders", "can_create_runfolder"),
    "port": ("server", "port"),
}


class ConfigError(Exception):
    """The configuration can't be used; one line a mistake in `mistakes`."""

    def __init__(self, source: str, mistakes: list[str]) -> None:
        super().__init__(source, mistakes)
        self.source = source
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join(f"{self.source}: {mistake}" for mistake in self.mistakes)


class ServerSection(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: AnyHttpUrl | None = None
    trusted_proxies: list[IPvAnyNetwork] = Field(default_factory=list)
    allowed_hosts: list[str] = Field(default_factory=list)


class DatabaseSection(Section):
    # None: the embedded PostgreSQL in the data directory.
    url: str | None = None

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if url and not url.startswith(("postgres://", "postgresql://")):
            raise ValueError(
                "must begin with postgresql://, as in postgresql://user@host/name"
            )
        return url or None


class ApiSection(Section):
    # Networks whose requests to /api/1.0 and the trace need no token.
    open_to: list[IPvAnyNetwork] = Field(default_factory=list)


class Config(BaseSettings):
    """The whole configuration; every path in it is absolute."""

    model_config = SettingsConfigDict(
        env_prefix="SEQHUB_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    host: str = Field(default_factory=socket.gethostname, min_length=1)
    data_dir: ConfigPath = Field(default=Path("var"), validate_default=True)
    secret_key_file: ConfigPath | None = None
    time_zone: str = "UTC"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    server: ServerSection = Field(default_factory=ServerSection)
    database: DatabaseSection = Field(default_factory=DatabaseSection)
    api: ApiSection = Field(default_factory=ApiSection)
    runfolders: RunfoldersSection = Field(default_factory=RunfoldersSection)

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
            raise ValueError("must be an IANA name such as Europe/Stockholm")
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The file comes in as init values; the environment wins over it.
        return env_settings, init_settings

    @property
    def file(self) -> Path | None:
        """Where it was read from; None without a file."""
        return self._file

    @property
    def is_tryout(self) -> bool:
        """No file and no run folders named: SeqHub shows itself on examples."""
        return self._is_tryout

    @property
    def example_directory(self) -> Path:
        """The example instrument's root, watched in try-out mode."""
        return self.data_dir / "example-instrument"

    @property
    def secret_key_path(self) -> Path:
        return self.secret_key_file or self.data_dir / "secret-key"


def candidate_files() -> list[Path]:
    """Where a configuration file is looked for, first found first."""
    if named := os.environ.get("SEQHUB_CONFIG"):
        return [Path(named)]
    return [
        Path("seqhub.yaml"),
        Path("~/.config/seqhub/seqhub.yaml").expanduser(),
        Path("/etc/seqhub/seqhub.yaml"),
    ]


def load_config() -> Config:
    """The configuration of this process. Raises ConfigError with all mistakes."""
    if named := os.environ.get("SEQHUB_CONFIG"):
        if not Path(named).is_file():
            raise ConfigError(
                named,
                ["there is no such file ($SEQHUB_CONFIG or --config names it)"],
            )
    file = next((path for path in candidate_files() if path.is_file()), None)
    values = read_yaml(file) if file else {}
    base = file.absolute().parent if file else Path.cwd()
    config = build_config(values, base, file)
    if file is None and not config.runfolders.monitored_directories:
        return _tryout(config)
    return config


def _tryout(config: Config) -> Config:
    """`config`, watching the example instrument with a grace short enough to see."""
    runfolders = config.runfolders.model_copy(
        update={
            "monitored_directories": [MonitoredDirectory(path=config.example_directory)]
        }
    )
    config = config.model_copy(update={"runfolders": runfolders})
    config._is_tryout = True
    return config


def read_yaml(file: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping."""
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        where = ""
        if mark := getattr(error, "problem_mark", None):
            where = f"line {mark.line + 1}, column {mark.column + 1}: "
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(str(file), [f"{where}not valid YAML: {problem}"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), [f"can't be read: {error}"]) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(str(file), ["must hold `key: value` lines"])
    return values


def build_config(
    values: dict[str, Any], base: Path, file: Path | None = None
) -> Config:
    """Validate `values`; relative paths in them count from `base`.

    The environment's SEQHUB_... variables win over `values`.
    """
    source = str(file) if file else "configuration"
    values, mistakes = _move_arteria_keys(values)
    # Variables are typed in a shell: their relative paths count from there.
    if (data_dir := os.environ.get("SEQHUB_DATA_DIR")) and not os.path.isabs(data_dir):
        os.environ["SEQHUB_DATA_DIR"] = os.path.abspath(data_dir)
    if url := os.environ.get("DATABASE_URL"):
        values = {**values, "database": {"url": url}}
    try:
        with relative_to(base):
            config = Config(**values)
    except ValidationError as error:
        raise ConfigError(
            source, mistakes + [_explain(detail) for detail in error.errors()]
        ) from None
    except SettingsError as error:
        raise ConfigError("environment", [str(error)]) from None
    if mistakes:
        raise ConfigError(source, mistakes)
    config._file = file
    return config


def _move_arteria_keys(values: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """`values` with Arteria's top-level keys in our sections, and clashes."""
    moved: dict[str, Any] = dict(values)
    mistakes: list[str] = []
    for old, (section, key) in ARTERIA_KEYS.items():
        if old not in moved:
            continue
        value = moved.pop(old)
        ours = moved.get(section) or {}
        if not isinstance(ours, dict):
            continue  # the section's own error is reported
        if key in ours:
            mistakes.append(f"{old}: is also given as {section}.{key}; remove one")
        else:
            moved[section] = {**ours, key: value}
    return moved, mistakes


def _explain(detail: ErrorDetails) -> str:
    """One line for one mistake: key path, what is wrong, what would be right."""
    path = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    if detail["type"] == "extra_forbidden":
        known = _keys_at(detail["loc"][:-1])
        close = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        return f"{path}: unknown key; {hint}"
    shown = repr(given)
    if len(shown) > 60:
        shown = shown[:57] + "..."
    return f"{path}: {message[:1].lower()}{message[1:]} (found {shown})"


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at `path` knows."""
    model: type[BaseModel] = Config
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        for candidate in _models_in(field.annotation if field else None):
            model = candidate
    return sorted(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    arguments = getattr(annotation, "__args__", ())
    return [model for argument in arguments for model in _models_in(argument)]


Network = IPv4Network | IPv6Network
