"""What a person asks the launch form for: its texts, and the request they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.utils.crypto import get_random_string

from runfolders.models import Runfolder
from runfolders.selectors import visible_runfolders
from seqhub.operations.admin.base import is_key
from turret.admin.actions import SEE_SECRETS
from turret.engine.masking import mask
from turret.engine.pipelines.schema import Schema
from turret.errors import BadLaunch
from turret.models import ComputeEnvironment, Pipeline
from turret.panels.launch_form import PREFIX
from turret.panels.launch_form_values import (
    BadParams,
    guessed,
    of_fields,
    read,
    restored,
    shown,
    unset,
    written,
)
from turret.selectors import find_launch, find_launchable, find_workflow
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.resuming import (
    request_to_relaunch,
    request_to_resume,
)

HOUR_S = 3600
FORM, YAML = "form", "yaml"
# Of the launch itself; those of its parameters begin with PREFIX.
NAMES = (
    *("pipeline", "source", "revision", "profile", "compute", "run_name", "labels"),
    *("run", "project_dir", "work_dir", "config_text", "hours", "yaml", "extra"),
    *("from", "resume", "key", "view", "known_source"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """`texts` by the names of the form's fields. `base`: what was chosen before the
    person wrote anything, a saved pipeline or an earlier run."""

    user: User
    texts: Mapping[str, str]
    base: LaunchRequest
    # Another pipeline than the one that the fields were for.
    is_other: bool = False

    @property
    def saved(self) -> Pipeline | None:
        return None if self.is_again else self.base.pipeline

    @property
    def is_again(self) -> bool:
        """Whether it comes of an earlier run, whose pipeline is not chosen again."""
        return bool(self.texts["from"] or self.texts["resume"])

    @property
    def source(self) -> str:
        return self.saved.source if self.saved else self.base.source

    @property
    def revision(self) -> str:
        pinned = self.saved.revision if self.saved else ""
        return pinned or self.texts["revision"].strip()

    @property
    def presets(self) -> dict[str, Any]:
        """What is launched unless it is said otherwise."""
        return dict(self.saved.params) if self.saved else {}

    @property
    def originals(self) -> dict[str, Any]:
        return self.presets or dict(self.base.params)

    @property
    def may_see(self) -> bool:
        return self.user.has_perm(SEE_SECRETS)

    def params(self, schema: Schema | None) -> dict[str, Any]:
        """Raises BadLaunch, at the text that can't be read."""
        is_form = self.texts["view"] == FORM
        name = "extra" if is_form else "yaml"
        try:
            found = read(self.texts[name])
        except BadParams as error:
            raise BadLaunch(str(error), {name: str(error)}) from None
        if is_form:
            found |= of_fields(schema, self.texts) if schema else guessed(self.texts)
        # What a saved pipeline sets and somebody takes away has to be said: what is
        # left out is set all the same.
        for key in self.presets.keys() - found.keys():
            param = schema.params.get(key) if schema else None
            found[key] = unset(param) if param else None
        return restored(found, self.originals)

    def request(self, params: dict[str, Any]) -> LaunchRequest:
        """Raises BadLaunch."""
        texts = self.texts
        given: dict[str, Any] = {
            name: texts[name].strip() for name in ("revision", "profile", "run_name")
        }
        given |= {"params": params, "labels": tuple(_words(texts["labels"]))}
        given["compute"] = self._compute()
        given["max_run_time_s"] = _seconds(texts["hours"])
        given["config_text"] = self._config()
        if not texts["resume"]:
            given["work_dir"] = texts["work_dir"].strip()
        given["project_dir"] = texts["project_dir"].strip()
        if self.saved and self.saved.revision:
            given["revision"] = ""
        return replace(self.base, **given)

    def run(self) -> Runfolder | None:
        """The run folder to link it to. Raises BadLaunch."""
        name = self.texts["run"].strip()
        if not name:
            return None
        rows = visible_runfolders().filter(name=name.replace("\0", ""))
        found = rows.order_by("-is_present", "-pk").first()
        if found is None:
            message = f"There is no run folder {name:.100}."
            raise BadLaunch(message, {"run": message})
        return found

    def _compute(self) -> ComputeEnvironment | None:
        key = self.texts["compute"]
        if not key:
            return None
        rows = ComputeEnvironment.objects.filter(is_enabled=True)
        row = rows.filter(pk=key).first() if is_key(key) else None
        if row is None:
            message = "There is no such compute environment any longer."
            raise BadLaunch(message, {"compute": message})
        return row

    def _config(self) -> str:
        text = self.texts["config_text"].replace("\r\n", "\n")
        if text == mask(self.base.config_text):
            return self.base.config_text
        return text


def first(user: User, query: Mapping[str, str]) -> Asked:
    """What the form begins with. `query`: that of its address: `pipeline` (id of a
    saved one, or the name of any other), `revision`, `param.<key>` and the other names
    of its fields; `from` (id of a launch) and `resume` (id of a workflow).

    Raises UnknownPipeline, UnknownLaunch, UnknownWorkflow, IllegalTransition.
    """
    texts = {name: query.get(name, "") for name in NAMES}
    if texts["pipeline"] and not is_key(texts["pipeline"]):
        texts["source"], texts["pipeline"] = texts["pipeline"], ""
    base = _base(user, texts)
    asked = Asked(user, texts, base)
    saved = asked.saved
    limit_s = saved.max_run_time_s if saved else base.max_run_time_s
    offered = {
        "source": asked.source,
        "revision": saved.revision if saved else base.revision,
        "profile": saved.profile if saved else base.profile,
        "labels": ", ".join(saved.labels if saved else base.labels or ()),
        "project_dir": base.project_dir,
        "config_text": base.config_text if asked.may_see else mask(base.config_text),
        "hours": f"{limit_s / HOUR_S:g}" if limit_s else "",
        "compute": str(base.compute.pk) if base.compute else "",
    }
    if base.parent is not None and base.parent.workflow.runfolder:
        offered["run"] = base.parent.workflow.runfolder.name
    texts = {name: text or offered.get(name, "") for name, text in texts.items()}
    named = {
        name.removeprefix(PREFIX): _value(text)
        for name, text in query.items()
        if name.startswith(PREFIX) and len(name) > len(PREFIX)
    }
    params = shown(asked.originals, may_see=asked.may_see) | named
    texts |= {"view": YAML, "yaml": written(params), "key": get_random_string(22)}
    texts["known_source"] = texts["pipeline"] or texts["source"]
    return Asked(user, texts, base)


def sent(user: User, data: Mapping[str, str]) -> Asked:
    """What the form has sent. Raises as `first` does."""
    texts = dict(data) | {name: data.get(name, "") for name in NAMES}
    known = texts["known_source"]
    texts["known_source"] = texts["pipeline"] or texts["source"].strip()
    asked = Asked(user, texts, _base(user, texts))
    if asked.is_again or known == texts["known_source"]:
        return asked
    if not (known or texts["pipeline"]):
        return replace(asked, is_other=True)
    # What belonged to the one before is not its.
    names = ("pipeline", "run_name", "labels", "run", "compute")
    kept = {name: texts[name] for name in names if texts[name]}
    if kept.get("labels") == _labels_of(known):
        del kept["labels"]
    if not texts["pipeline"]:
        kept["source"] = texts["source"]
    begun = first(user, kept)
    texts = dict(begun.texts) | {"key": texts["key"]}
    return replace(begun, texts=texts, is_other=True)


def _base(user: User, texts: Mapping[str, str]) -> LaunchRequest:
    if texts["resume"]:
        return request_to_resume(find_workflow(texts["resume"]).pk)
    if texts["from"]:
        return request_to_relaunch(find_launch(texts["from"]).pk)
    if is_key(texts["pipeline"]):
        saved = find_launchable(int(texts["pipeline"]), user)
        return LaunchRequest(pipeline=saved)
    return LaunchRequest(source=texts["source"].strip())


def _labels_of(pipeline: str) -> str:
    """What the form begins with for a saved pipeline, by its id."""
    rows = Pipeline.objects.filter(pk=pipeline) if is_key(pipeline) else ()
    return ", ".join(label for row in rows for label in row.labels)


def _words(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def _value(text: str) -> Any:
    """As YAML has it: `5` is a number."""
    try:
        return read(f"it: {text}").get("it", text)
    except BadParams:
        return text


def _seconds(hours: str) -> int | None:
    if not hours.strip():
        return None
    try:
        seconds = float(hours) * HOUR_S
        return round(seconds)
    except (ValueError, OverflowError):
        message = "Hours are a number, like 12 or 0.5."
        raise BadLaunch(message, {"max_run_time_s": message}) from None
