"""What people ask to have launched, and what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from seqhub.lib.patience import TimedOut, within
from turret.engine.pipelines.sources import check_revision, resolve
from turret.errors import BadLaunch, UnknownPipeline
from turret.models import ComputeEnvironment, Launch, Pipeline
from turret.models.pipelines import LONGEST_TEXT
from turret.selectors import launchable_pipelines
from turret.services.launching.environments import configured_compute, launches_dir
from turret.services.overrides import LONGEST_LABEL, MOST_LABELS

# Of the parameters, as JSON.
MOST_PARAMS_BYTES = 1 << 20
DEEPEST = 32
ANSWER_S = 5
LONGEST_RUN_TIME_S = 365 * 24 * 3600
LONGEST_PROFILE = 255
# What Nextflow takes for a name (-name).
_RUN_NAME = re.compile(r"[a-z](?:[a-z\d]|[-_](?=[a-z\d])){0,79}", re.IGNORECASE)
_PROFILE = re.compile(r"\w[\w.+-]*(?:,\w[\w.+-]*)*")
_SESSION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")
_ABOUT_NAMES = (
    "A run name has at most 80 letters, digits, - and _; it begins with a letter, and"
    " no - or _ follows another or stands at the end."
)
_ABOUT_VALUES = (
    f"It can't hold U+0000 or half characters, or be deeper than {DEEPEST} levels."
)


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What is empty, a saved pipeline or the configuration decides.

    `source`: org/repo[@revision], a git URL, or a directory of the host. `session`
    and `launch_dir` are those of a run that it goes on with.
    """

    source: str = ""
    revision: str = ""
    profile: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    run_name: str = ""
    work_dir: str = ""
    project_dir: str = ""
    config_text: str = ""
    pipeline: Pipeline | None = None
    compute: ComputeEnvironment | None = None
    labels: tuple[str, ...] = ()
    max_run_time_s: int | None = None
    parent: Launch | None = None
    session: str = ""
    launch_dir: str = ""


def completed(request: LaunchRequest, user: User) -> LaunchRequest:
    """With what the saved pipeline says, and a compute environment. Raises
    UnknownPipeline if it is none of this person's."""
    saved = request.pipeline
    if saved is not None:
        if not launchable_pipelines(user).filter(pk=saved.pk).exists():
            raise UnknownPipeline(f"There is no saved pipeline {saved} for you.")
        request = _with_saved(request, saved)
    source, revision = _split(request)
    return replace(
        request,
        source=source,
        revision=revision,
        profile=request.profile.strip()
        or settings.CONFIG.turret.launcher.default_profile,
        run_name=request.run_name.strip(),
        labels=tuple(dict.fromkeys(word.strip() for word in request.labels if word)),
        compute=request.compute or configured_compute(),
    )


def check(request: LaunchRequest) -> None:
    """Raises BadLaunch that names each field that is wrong."""
    fields = dict(reversed(list(_problems(request))))
    if fields:
        message = next(iter(fields.values()))
        raise BadLaunch(message, fields)


def _with_saved(request: LaunchRequest, saved: Pipeline) -> LaunchRequest:
    texts = [saved.config_text, request.config_text]
    limits = [saved.max_run_time_s, request.max_run_time_s]
    revision = request.revision
    if saved.revision and request.parent is None:
        if revision not in ("", saved.revision):
            message = f"{saved} is always launched at {saved.revision}."
            raise BadLaunch(message, {"revision": message})
        revision = saved.revision
    # One that goes on with another launch has all of it from there.
    is_new = request.parent is None
    return replace(
        request,
        source=saved.source if is_new else request.source,
        revision=revision,
        profile=request.profile or saved.profile,
        params={**saved.params, **request.params} if is_new else request.params,
        config_text="\n\n".join(text for text in texts if text.strip())
        if is_new
        else request.config_text,
        compute=request.compute or saved.compute,
        labels=(*saved.labels, *request.labels),
        max_run_time_s=min((limit for limit in limits if limit), default=None),
    )


def _split(request: LaunchRequest) -> tuple[str, str]:
    """Source and revision; org/repo@revision is two things."""
    source, revision = request.source.strip(), request.revision.strip()
    try:
        found = resolve(source)
    except ValueError:
        return source, revision  # `check` tells why
    if not found.revision:
        return source, revision
    return source.removesuffix(f"@{found.revision}"), revision or found.revision


def _problems(request: LaunchRequest) -> Iterator[tuple[str, str]]:
    """Field and message, the most telling first."""
    yield from _of_source(request)
    if request.profile and not _PROFILE.fullmatch(request.profile):
        yield "profile", "Profiles are words, with commas between them."
    elif len(request.profile) > LONGEST_PROFILE:
        yield "profile", f"It is longer than {LONGEST_PROFILE} characters."
    if request.run_name and not _RUN_NAME.fullmatch(request.run_name):
        yield "run_name", _ABOUT_NAMES
    if request.session and not _SESSION.fullmatch(request.session):
        yield "session", "A session is a UUID."
    # Where it goes on is not chosen.
    chosen = ("project_dir",) if request.launch_dir else ("work_dir", "project_dir")
    for name in chosen:
        if (value := getattr(request, name)) and (problem := _of_directory(value)):
            yield name, problem
    if "\0" in request.config_text:
        yield "config_text", "The configuration can't hold U+0000."
    elif len(request.config_text) > 2 * LONGEST_TEXT:
        yield "config_text", f"It is longer than {2 * LONGEST_TEXT:,} characters."
    yield from _of_params(request.params)
    yield from _of_rest(request)


def _of_source(request: LaunchRequest) -> Iterator[tuple[str, str]]:
    try:
        resolve(request.source)
    except ValueError as error:
        yield "source", _sentence(f"{error}")
    try:
        check_revision(request.revision)
    except ValueError as error:
        yield "revision", f"The revision {error}."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _of_directory(value: str) -> str:
    """What is wrong with a directory that a person has chosen; empty: nothing."""
    if not value.startswith("/") or _CONTROL.search(value) or len(value) > 1000:
        return "It must be an absolute path."
    roots = [*settings.CONFIG.turret.launcher.allowed_roots, launches_dir()]
    path = Path(value)
    try:
        real = within(ANSWER_S, value, path.resolve)
        allowed = [within(ANSWER_S, str(root), root.resolve) for root in roots]
    except (OSError, RuntimeError, TimedOut) as error:
        return f"{value} does not answer: {error}"
    if not any(real.is_relative_to(root) for root in allowed):
        names = ", ".join(map(str, roots[:-1])) or "none is configured"
        return f"It does not lie below turret.launcher.allowed_roots ({names})."
    return ""


def _of_params(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    try:
        size = len(json.dumps(params, allow_nan=False).encode())
    except (TypeError, ValueError, RecursionError):
        yield "params", "Parameters must be what JSON can hold."
        return
    if size > MOST_PARAMS_BYTES:
        yield "params", f"They are longer than {MOST_PARAMS_BYTES >> 20} MB."
        return
    for key, value in params.items():
        if not key or _is_bad(key, 0) or len(key) > 200:
            yield "params", f"{key[:50]!r} is no name of a parameter."
        elif _is_bad(value, 0):
            yield f"params.{key}", _ABOUT_VALUES


def _is_bad(value: Any, depth: int) -> bool:
    """Whether PostgreSQL would refuse it."""
    if depth > DEEPEST:
        return True
    if isinstance(value, str):
        return "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        return any(
            not isinstance(key, str) or _is_bad(key, 0) or _is_bad(item, depth + 1)
            for key, item in value.items()
        )
    if isinstance(value, list | tuple):
        return any(_is_bad(item, depth + 1) for item in value)
    return False


def _of_rest(request: LaunchRequest) -> Iterator[tuple[str, str]]:
    if any("\0" in word or len(word) > LONGEST_LABEL for word in request.labels):
        yield "labels", f"A label has at most {LONGEST_LABEL} characters."
    elif len(request.labels) > MOST_LABELS:
        yield "labels", f"A launch has at most {MOST_LABELS} labels."
    limit = request.max_run_time_s
    if limit is not None and not 0 < limit <= LONGEST_RUN_TIME_S:
        yield "max_run_time_s", "It must be between one second and a year."
    if request.compute is not None and not request.compute.is_enabled:
        yield "compute", f"{request.compute} is switched off."
