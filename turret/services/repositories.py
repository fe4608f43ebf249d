"""What a pipeline's repository tells of it, read now, within bounds of time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings

from seqhub.lib.patience import TimedOut, within
from seqhub.operations.errors import InvalidValue
from turret.engine.pipelines import tidying
from turret.engine.pipelines.checking import Unchecked
from turret.engine.pipelines.git import RepositoryError
from turret.engine.pipelines.refs import Refs
from turret.engine.pipelines.repository import Repository
from turret.engine.pipelines.scan import (
    manifest_of,
    params_of,
    profiles_of,
    set_params_of,
    with_includes,
)
from turret.engine.pipelines.schema import NAME, BadSchema, Schema, read_schema
from turret.engine.pipelines.sources import Source, resolve
from turret.engine.pipelines.values import validate
from turret.errors import NotEmpty, SourceTimeout, SourceTrouble, UnknownSource
from turret.services.browsing import real_path

T = TypeVar("T")

CONFIG = "nextflow.config"
SCRIPT = "main.nf"
README = "README.md"
# For those who wait for a page, and for those who wait for a launch.
PATIENCE_S = 60.0
SHORT_S = 15.0
CLONE_S = 180.0
LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Described:
    """A pipeline at a revision, as its files describe it."""

    # None: it has none, or one that can't be used, and `problem` says why.
    schema: Schema | None
    problem: str = ""
    # What stands in nextflow.config, or else in main.nf; and which of them it was.
    found: Mapping[str, Any] = field(default_factory=dict)
    found_in: str = ""
    profiles: tuple[str, ...] = ()
    # Keys of the parameters that have a value there, the profile's included.
    settled: frozenset[str] = frozenset()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    readme: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wrong`: messages by parameter, "" for all of them together. `why_unchecked`:
    the schema could not be had, in a sentence."""

    wrong: Mapping[str, str] = field(default_factory=dict)
    why_unchecked: str = ""


def source_of(text: str, revision: str = "") -> tuple[Source, str]:
    """What is meant, and its revision. Raises InvalidValue."""
    try:
        source = resolve(text)
    except ValueError as error:
        raise InvalidValue(f"pipeline: {error}") from None
    return source, revision or source.revision


def describe(
    text: str,
    revision: str = "",
    *,
    profile: str = "",
    patience_s: float = PATIENCE_S,
) -> Described:
    """`profile`: the one that is to be used. Raises InvalidValue, SourceTrouble."""
    source, revision = source_of(text, revision)

    def read(*names: str) -> dict[str, str | None]:
        read = repository(patience_s).read
        return _asked(source, patience_s, read, source, revision, names)

    files = read(NAME, CONFIG, SCRIPT, README)
    config = with_includes(files[CONFIG] or "", lambda names: read(*names))
    script = files[SCRIPT] or ""
    found, found_in = params_of(config), CONFIG
    if not found:
        found, found_in = params_of(script), SCRIPT
    described = Described(
        schema=None,
        found=found,
        found_in=found_in if found else "",
        profiles=tuple(profiles_of(config)),
        settled=frozenset(set_params_of(config, profile) | set_params_of(script)),
        manifest=manifest_of(config),
        readme=files[README] or "",
    )
    document = files[NAME]
    if document is None:
        return described
    try:
        return replace(described, schema=read_schema(document))
    except BadSchema as error:
        return replace(described, problem=str(error))


def read_config(text: str, revision: str = "") -> str:
    """Its nextflow.config; empty when it has none. Raises InvalidValue,
    SourceTrouble."""
    source, revision = source_of(text, revision)
    read = repository(PATIENCE_S).read
    files = _asked(source, PATIENCE_S, read, source, revision, [CONFIG])
    return files[CONFIG] or ""


def refs(text: str) -> Refs:
    """Branches and tags; none of a directory, which is launched as it stands. Raises
    InvalidValue, SourceTrouble."""
    source, _ = source_of(text)
    found = _asked(source, PATIENCE_S, repository(PATIENCE_S).refs, source)
    return Refs() if source.kind == "local" else found


def clone(text: str, revision: str, path: str) -> tuple[str, str]:
    """Have a repository's files in a directory that is empty or not there yet, below
    turret.launcher.allowed_roots; the real path of it, and the repository's address.

    Raises InvalidValue, NotEmpty, SourceTrouble; and as browsing.real_path does.
    """
    source, revision = source_of(text, revision)
    if source.kind == "local":
        raise InvalidValue(f"pipeline: {text} is a directory here already.")
    target = real_path(path)
    within(LOOK_S, _place(path), _require_empty, target)
    try:
        cloned = repository(CLONE_S).clone
        _asked(source, CLONE_S, cloned, source, revision, target)
    except FileExistsError:
        raise NotEmpty(f"path: {path} is not empty.") from None
    return str(target), source.url


def check_params(
    text: str,
    revision: str,
    params: Mapping[str, Any],
    *,
    profile: str = "",
    configs: Sequence[str] = (),
    has_more_config: bool = False,
    look: bool = False,
) -> Verdict:
    """Whether a pipeline takes these parameters, found out in a short time. No trouble
    with its repository is raised: who launches it may reach what we can't.

    What is missing may be set by the pipeline's configuration, by its profiles, by
    `configs`, the layers above, or by a layer that is not read (`has_more_config`).
    `look`: whether this host's files that must be there are.

    Raises InvalidValue for what is no source.
    """
    try:
        described = describe(text, revision, profile=profile, patience_s=SHORT_S)
    except SourceTrouble as error:
        return Verdict(validate(None, params, look=None), error.message)
    schema = described.schema
    settled = set(described.settled)
    settled.update(*map(set_params_of, configs))
    if has_more_config and schema is not None:
        settled.update(schema.params)
    look_for = is_there if look else None
    try:
        wrong = validate(schema, params, look=look_for, settled=settled)
    except Unchecked as error:
        return Verdict(why_unchecked=str(error))
    if schema is None:
        return Verdict(wrong, described.problem or f"The pipeline has no {NAME}.")
    return Verdict(wrong)


def is_there(path: str) -> bool:
    """Whether a path is; also true where that can't be told: of what Nextflow looks for
    where it is started, and of a disk that does not answer."""
    if not path.startswith("/"):
        return True
    try:
        return within(LOOK_S, _place(path), os.path.exists, path)
    except TimedOut:
        return True


def repository(limit_s: float) -> Repository:
    return Repository(_cache_dir(), limit_s=limit_s)


def tidy() -> None:
    """Drop what this host keeps of repositories that nobody has used for long."""
    tidying.tidy(_cache_dir())


def _cache_dir() -> Path:
    directory: Path = settings.CONFIG.data_dir
    return directory / "repositories"


def _place(path: str) -> str:
    """What may hang."""
    return "/".join(path.split("/")[:2])


def _require_empty(path: Path) -> None:
    try:
        is_taken = path.exists() and any(path.iterdir())
    except OSError as error:
        raise NotEmpty(f"path: {path} can't be used: {error}.") from None
    if is_taken:
        raise NotEmpty(f"path: {path} is not empty.")


def _asked(
    source: Source, patience_s: float, function: Callable[..., T], *args: Any
) -> T:
    """Raises SourceTrouble."""
    try:
        # git gives up by itself, and can say more.
        return within(patience_s + 1, source.url, function, *args)
    except TimedOut as error:
        raise SourceTimeout(f"{error}.") from None
    except RepositoryError as error:
        kind = _KINDS.get(error.kind, SourceTrouble)
        raise kind(str(error)) from None


_KINDS: dict[str, type[SourceTrouble]] = {
    "timeout": SourceTimeout,
    "unknown": UnknownSource,
    "missing": UnknownSource,
}
