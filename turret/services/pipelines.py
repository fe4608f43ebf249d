"""Saved pipelines: made, changed and deleted, each change with its event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor, record_event
from turret.engine.masking import MASKED
from turret.engine.pipelines.plain import problem_of
from turret.engine.pipelines.sources import check_revision, resolve
from turret.errors import UnknownPipeline
from turret.models import Pipeline
from turret.models.pipelines import LONGEST_TEXT

MOST_LABELS = 20
_CHANGEABLE = frozenset(
    {
        *("name", "description", "source", "revision", "profile", "config_text"),
        *("params", "visible_params", "compute", "labels", "is_enabled"),
        *("max_concurrent", "max_run_time_s"),
    }
)


@transaction.atomic
def create_pipeline(
    values: Mapping[str, Any],
    *,
    actor: Actor,
    owner: User | None = None,
    groups: Iterable[Group] = (),
) -> Pipeline:
    """`values`: columns of a Pipeline by their names. Raises InvalidValue."""
    pipeline = Pipeline(owner=owner)
    _change(pipeline, values)
    pipeline.groups.set(groups)
    _record(pipeline, "created", f"Pipeline {pipeline} was saved.", actor)
    return pipeline


@transaction.atomic
def change_pipeline(
    pk: int,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    groups: Iterable[Group] | None = None,
) -> Pipeline:
    """Change the columns that `values` has, and the groups unless they are None; what
    was launched stays as it was. Raises UnknownPipeline, InvalidValue."""
    pipeline = lock_pipeline(pk)
    changed = [
        name for name, value in values.items() if getattr(pipeline, name) != value
    ]
    _change(pipeline, values)
    if groups is not None:
        wanted = {group.pk for group in groups}
        if wanted != set(pipeline.groups.values_list("pk", flat=True)):
            pipeline.groups.set(wanted)
            changed.append("groups")
    if changed:
        said = f"Pipeline {pipeline} was changed: {', '.join(sorted(changed))}."
        _record(pipeline, "changed", said, actor, changed=sorted(changed))
    return pipeline


@transaction.atomic
def delete_pipeline(pk: int, *, actor: Actor, reason: str = "") -> None:
    """Its launches stay. Raises UnknownPipeline."""
    pipeline = lock_pipeline(pk)
    said = f"Pipeline {pipeline} ({pipeline.source}) was deleted. {reason}"
    _record(pipeline, "deleted", said, actor, name=pipeline.name, reason=reason)
    pipeline.delete()


def lock_pipeline(pk: int) -> Pipeline:
    """The row, locked until the transaction ends. Raises UnknownPipeline."""
    try:
        return Pipeline.objects.select_for_update(of=("self",)).get(pk=pk)
    except Pipeline.DoesNotExist:
        raise UnknownPipeline(f"There is no saved pipeline {pk}.") from None


def _change(pipeline: Pipeline, values: Mapping[str, Any]) -> None:
    """Raises InvalidValue."""
    if strange := values.keys() - _CHANGEABLE:
        raise InvalidValue(f"A pipeline has no {', '.join(sorted(strange))}.")
    for name, value in values.items():
        setattr(pipeline, name, value)
    problems = problems_of(pipeline)
    if problems:
        said = "; ".join(f"{name}: {why}" for name, why in problems.items())
        raise InvalidValue(said, fields=problems)
    try:
        with transaction.atomic():
            pipeline.save()
    except IntegrityError:
        raise InvalidValue(f"name: {pipeline.name} has just been taken.") from None


def problems_of(pipeline: Pipeline) -> dict[str, str]:
    """What is wrong with it, by the column's name."""
    odd = {name: _oddity(getattr(pipeline, name)) for name in _CHANGEABLE}
    if problems := {name: why for name, why in sorted(odd.items()) if why}:
        return problems
    try:
        pipeline.full_clean(exclude=["owner"])
    except ValidationError as error:
        return {name: " ".join(said) for name, said in error.message_dict.items()}
    source = None
    try:
        source = resolve(pipeline.source)
    except ValueError as error:
        problems["source"] = str(error)
    try:
        check_revision(pipeline.revision, source)
    except ValueError as error:
        problems["revision"] = f"It {error}."
    if pipeline.profile.startswith("-") or len(pipeline.profile.split()) > 1:
        problems["profile"] = "Profiles are words, with commas between them."
    if not isinstance(pipeline.params, dict):
        problems["params"] = "They are to be names and values."
    if len(pipeline.labels) > MOST_LABELS:
        problems["labels"] = f"A pipeline has at most {MOST_LABELS}."
    return problems


def _oddity(value: Any) -> str:
    """Why no column can hold it, or should; empty if there is nothing."""
    if not isinstance(value, str | dict | list):
        return ""
    if problem := problem_of(value):
        return f"It {problem}."
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST_TEXT:
        return "It is too long."
    if MASKED in text:  # somebody sends back what was shown to them
        return f"{MASKED} stands for what is not shown: leave it out."
    return ""


def _record(
    pipeline: Pipeline, kind: str, message: str, actor: Actor, **data: object
) -> None:
    subject = f"pipeline:{pipeline.pk}"
    record_event(subject, kind, message.strip(), actor=actor, data=data)
