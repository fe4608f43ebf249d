"""What people ask to have launched, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from seqhub.lib.patience import TimedOut
from turret.engine.masking import MASKED
from turret.engine.pipelines.plain import problem_of
from turret.engine.pipelines.sources import check_revision, resolve
from turret.engine.pipelines.values import validate
from turret.errors import BadLaunch, UnknownPipeline
from turret.models import ComputeEnvironment, Launch, Pipeline
from turret.models.pipelines import LONGEST_TEXT
from turret.selectors import launchable_pipelines
from turret.services.launching.environments import configured_compute
from turret.services.launching.places import real_directory
from turret.services.overrides import LONGEST_LABEL, MOST_LABELS

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
_ABOUT_MASKED = (
    f"{MASKED} stands for what is not shown; send its value, or leave it out."
)


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What is empty, a saved pipeline or the configuration decides; labels only where
    they are None.

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
    labels: tuple[str, ...] | None = None
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
        labels=tuple(
            dict.fromkeys(word.strip() for word in request.labels or () if word)
        ),
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
        labels=tuple(saved.labels) if request.labels is None else request.labels,
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
    yield from _of_texts(request)
    yield from _of_source(request)
    if request.profile and not _PROFILE.fullmatch(request.profile):
        yield "profile", "Profiles are words, with commas between them."
    elif len(request.profile) > LONGEST_PROFILE:
        yield "profile", f"It is longer than {LONGEST_PROFILE} characters."
    if request.run_name and not _RUN_NAME.fullmatch(request.run_name):
        yield "run_name", _ABOUT_NAMES
    elif request.launch_dir and _is_used(request.run_name, request.launch_dir):
        yield "run_name", f"There is a run {request.run_name} in its directory already."
    if request.session and not _SESSION.fullmatch(request.session):
        yield "session", "A session is a UUID."
    # Where it goes on is not chosen.
    chosen = ("project_dir",) if request.launch_dir else ("work_dir", "project_dir")
    for name in chosen:
        if (value := getattr(request, name)) and (problem := _of_directory(value)):
            yield name, problem
    if len(request.config_text) > 2 * LONGEST_TEXT:
        yield "config_text", f"It is longer than {2 * LONGEST_TEXT:,} characters."
    yield from _of_params(request.params)
    yield from _of_rest(request)


def _is_used(run_name: str, launch_dir: str) -> bool:
    """Nextflow refuses a name that it has seen where it is started."""
    rows = Launch.objects.filter(launch_dir=launch_dir, run_name=run_name)
    return bool(run_name) and rows.exists()


def _of_texts(request: LaunchRequest) -> Iterator[tuple[str, str]]:
    """What no column can hold, and what somebody sends back as it was shown."""
    for name in ("source", "revision", "profile", "run_name", "config_text"):
        text = getattr(request, name)
        if problem := problem_of(text):
            yield name, _sentence(f"it {problem}")
        elif MASKED in text:
            yield name, _ABOUT_MASKED


def _of_source(request: LaunchRequest) -> Iterator[tuple[str, str]]:
    source = None
    try:
        source = resolve(request.source)
    except ValueError as error:
        yield "source", _sentence(f"{error}")
    try:
        check_revision(request.revision, source)
    except ValueError as error:
        yield "revision", f"The revision {error}."


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _of_directory(value: str) -> str:
    """What is wrong with a directory that a person has chosen; empty: nothing."""
    is_odd = _CONTROL.search(value) or problem_of(value) or len(value) > 1000
    if is_odd or not value.startswith("/"):
        return "It must be an absolute path."
    try:
        real_directory(value)
    except ValueError as error:
        return f"It {error}."
    except (OSError, RuntimeError, TimedOut) as error:
        return f"{value} does not answer: {error}"
    return ""


def _of_params(params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "" in params:
        yield "params", "A parameter needs a name."
    for key, problem in validate(None, params, look=None).items():
        if key:
            yield f"params.{key}", _sentence(f"it {problem}")
        else:
            yield "params", _sentence(problem)
    for key, value in params.items():
        if MASKED in str(value):
            yield f"params.{key}", _ABOUT_MASKED


def _of_rest(request: LaunchRequest) -> Iterator[tuple[str, str]]:
    labels = request.labels or ()
    if any(problem_of(word) or len(word) > LONGEST_LABEL for word in labels):
        yield "labels", f"Labels are words of at most {LONGEST_LABEL} characters."
    elif len(labels) > MOST_LABELS:
        yield "labels", f"A launch has at most {MOST_LABELS} labels."
    limit = request.max_run_time_s
    if limit is not None and not 0 < limit <= LONGEST_RUN_TIME_S:
        yield "max_run_time_s", "It must be between one second and a year."
    if request.compute is not None and not request.compute.is_enabled:
        yield "compute", f"{request.compute} is switched off."
