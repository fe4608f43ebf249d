"""What the templates of the launch form get to see."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from turret.admin.launch_asked import FORM, HOUR_S, YAML, Asked
from turret.admin.launch_checks import problems_of
from turret.engine.pipelines.schema import Schema
from turret.errors import BadLaunch
from turret.models import ComputeEnvironment
from turret.panels.launch_form import (
    MOST_FIELDS,
    Section,
    field_id,
    sections_of,
)
from turret.panels.launch_form_values import shown as as_shown
from turret.panels.launch_form_values import written
from turret.panels.launch_links import launch_link
from turret.panels.links import workflow_link
from turret.selectors import find_workflow, launchable_pipelines
from turret.services.browsing import allowed_roots
from turret.services.launching.submission import Preview
from turret.services.repositories import Described

_PARAM = "params."
# What a launch calls it.
_ABOUT = {"hours": "max_run_time_s"}
_LABELS = {
    "source": "Pipeline",
    "revision": "Revision",
    "profile": "Profile",
    "compute": "Compute environment",
    "run_name": "Run name",
    "labels": "Labels",
    "run": "Run folder",
    "project_dir": "Project directory",
    "work_dir": "Work directory",
    "config_text": "Configuration",
    "max_run_time_s": "Longest run time",
    "params": "Parameters",
    "yaml": "Parameters",
    "extra": "Other parameters",
    "params_file": "Parameter file",
}


_CUT_OFF = (
    "The pipeline's description can't be had any longer, so what is not changed can't "
    "be told from what is: look through them as YAML."
)
# Parameters that need not be folded away.
_FEW = 20
# Sent back as they are.
_KEPT = ("from", "resume", "key", "known_source")


@dataclass(frozen=True, slots=True)
class Plain:
    """A line of text about the launch itself."""

    name: str
    label: str
    help: str
    text: str = ""
    problem: str = ""
    picks: str = ""
    inputmode: str = ""


_PLAIN = (
    Plain("run_name", "Run name", "Letters, digits, - and _; empty: one is made up."),
    Plain("labels", "Labels", "Words to find it by, with commas between them."),
    Plain(
        "run",
        "Run folder",
        "The sequencing run that it analyses; the launch is listed on its page.",
    ),
)
_MORE = (
    Plain(
        "project_dir",
        "Project directory",
        "Its nextflow.config is a layer of the configuration.",
        picks="directory",
    ),
    Plain(
        "work_dir",
        "Work directory",
        "Where tasks run. Empty: a directory of the launch's own.",
        picks="directory",
    ),
    Plain(
        "hours",
        "Longest run time (hours)",
        "Then it is cancelled, and can be resumed. Empty: no limit.",
        inputmode="decimal",
    ),
)
_IN_MORE = ("project_dir", "work_dir", "hours", "config_text", "max_run_time_s")


@dataclass(frozen=True, slots=True)
class Problem:
    """`target`: the id of the field in the page."""

    target: str
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The form on its way back to the person: what was asked, what the pipeline says,
    and what is wrong with it."""

    asked: Asked
    described: Described
    schema: Schema | None = None
    params: dict[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    # Why the parameters were not checked, or the pipeline not read.
    unchecked: str = ""
    trouble: str = ""
    is_unread: bool = False
    is_refused: bool = False
    is_checked: bool = False
    preview: Preview | None = None
    why_no_preview: str = ""
    said: str = ""

    def read(self) -> Shown:
        """With the parameters that the fields stand for."""
        try:
            return replace(self, params=self.asked.params(self.schema))
        except BadLaunch as error:
            return replace(self, problems=error.fields)

    def checked(self) -> Shown:
        if {"yaml", "extra"} & set(self.problems):
            return replace(self, is_checked=True)
        problems, unchecked = problems_of(self.asked, self.params)
        # What can't be read for a reason that is told needs no other.
        if self.is_cut_off and not {"source", "revision"} & set(problems):
            problems["params"] = _CUT_OFF
        return replace(self, problems=problems, unchecked=unchecked, is_checked=True)

    def turned(self, view: str) -> Shown:
        """In that view, unless what the person wrote can't be read, or there is no
        form to show."""
        before = self.asked.texts["view"]
        if {"yaml", "extra"} & set(self.problems):
            view = before
        if view == FORM and not self.has_form:
            view = YAML
        texts = dict(self.asked.texts) | {"view": view}
        if view == YAML and not {"yaml", "extra"} & set(self.problems):
            params = as_shown(self.params, may_see=self.asked.may_see)
            texts["yaml"] = written(params)
        return replace(self, asked=replace(self.asked, texts=texts))

    @property
    def is_cut_off(self) -> bool:
        """Whether nobody can say any longer what the form's texts stand for."""
        return self.asked.texts["view"] == FORM and self.schema is None

    @property
    def has_form(self) -> bool:
        return self.schema is not None and len(self.schema.params) <= MOST_FIELDS


def form_context(shown: Shown) -> dict[str, Any]:
    """Takes three queries at the most."""
    asked = shown.asked
    is_form = asked.texts["view"] == FORM and shown.has_form
    params = as_shown(shown.params, may_see=asked.may_see)
    sections = _sections(shown, params) if is_form else []
    of_fields = {name for section in sections for name in _keys(section)}
    others = {key: value for key, value in params.items() if key not in of_fields}
    extra = asked.texts["extra"] if "extra" in shown.problems else written(others)
    roots = allowed_roots()
    saved = asked.base.pipeline
    usual_compute = saved.compute if saved else None
    return {
        "shown": shown,
        "asked": asked,
        "texts": asked.texts,
        "again": _again(asked),
        "usual_profile": _usual_profile(asked),
        "described": shown.described,
        "pipelines": list(launchable_pipelines(asked.user).order_by("name")),
        "usual_compute": usual_compute,
        "computes": _computes_beside(usual_compute),
        "is_form": is_form,
        "sections": sections,
        "is_short": sum(len(section.fields) for section in sections) <= _FEW,
        "hidden": sum(section.hidden for section in sections),
        "extra": extra,
        "wrong": dict(shown.problems),
        "kept": [(name, asked.texts[name]) for name in _KEPT],
        "plain_fields": list(_plain(shown, _PLAIN)),
        "more_fields": list(_plain(shown, _MORE)),
        "is_more_open": any(
            asked.texts.get(name) or name in shown.problems for name in _IN_MORE
        ),
        "has_roots": bool(roots),
        "sheet_directory": asked.texts.get(
            "sheet_directory", roots[0] if roots else ""
        ),
        "command": _command(shown),
        "problems": [_problem(*item, is_form) for item in shown.problems.items()],
    }


def _again(asked: Asked) -> dict[str, str] | None:
    """The earlier run that it goes on with, or repeats. A run that somebody started
    in a shell takes a query."""
    if asked.base.parent is not None:
        parent = asked.base.parent
        return {"name": str(parent), "link": launch_link(parent)}
    if not asked.texts["resume"]:
        return None
    run = find_workflow(asked.texts["resume"])
    return {"name": str(run), "link": workflow_link(run)}


def _usual_profile(asked: Asked) -> str:
    """That of a launch for which none is named."""
    saved = asked.base.pipeline
    default: str = settings.CONFIG.turret.launcher.default_profile
    return (saved.profile if saved else "") or default


def _computes_beside(usual: ComputeEnvironment | None) -> list[ComputeEnvironment]:
    """Those to choose beside the usual one; without any that is this host's own."""
    rows = ComputeEnvironment.objects.filter(is_enabled=True).order_by("name")
    if usual is None:
        rows = rows.exclude(is_configured=True, host=settings.CONFIG.host)
    return list(rows)


def _plain(shown: Shown, rows: tuple[Plain, ...]) -> Iterator[Plain]:
    """Where a resumed run works is not chosen."""
    asked = shown.asked
    limit_s = asked.base.pipeline.max_run_time_s if asked.base.pipeline else None
    for row in rows:
        if row.name == "work_dir" and asked.texts["resume"]:
            continue
        about = row.help
        if row.name == "hours" and limit_s:
            about = f"At most {limit_s / HOUR_S:g}, as the saved pipeline says."
        problem = shown.problems.get(_ABOUT.get(row.name, row.name), "")
        text = asked.texts[row.name]
        yield replace(row, text=text, help=about, problem=problem)


def _command(shown: Shown) -> str:
    """As a shell would take it, an option a line."""
    if shown.preview is None:
        return ""
    lines: list[str] = []
    for word in shown.preview.argv:
        begins = not lines or word.startswith("-") or word == "run"
        lines[len(lines) - (not begins) :] = [
            shlex.quote(word) if begins else f"{lines[-1]} {shlex.quote(word)}"
        ]
    return " \\\n    ".join(lines)


def _sections(shown: Shown, params: Mapping[str, Any]) -> list[Section]:
    if shown.schema is None:
        return []
    saved = shown.asked.base.pipeline
    problems = {
        name.removeprefix(_PARAM): message
        for name, message in shown.problems.items()
        if name.startswith(_PARAM)
    }
    visible = saved.visible_params if saved else ()
    return sections_of(shown.schema, params, problems, visible)


def _keys(section: Section) -> list[str]:
    return [field.key for field in section.fields]


def _problem(name: str, message: str, is_form: bool) -> Problem:
    if name.startswith(_PARAM):
        key = name.removeprefix(_PARAM)
        return Problem(field_id(key) if is_form else "launch-yaml", key, message)
    places = {"max_run_time_s": "hours", "params": "extra" if is_form else "yaml"}
    target = f"launch-{places.get(name, name)}" if name in _LABELS else ""
    return Problem(target, _LABELS.get(name, ""), message)
