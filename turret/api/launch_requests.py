"""What callers send to launch something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.request import Request

from turret.errors import BadLaunch
from turret.models import ComputeEnvironment
from turret.models.pipelines import LONGEST_TEXT
from turret.selectors import find_launchable
from turret.services.launching.requests import LaunchRequest

LONGEST_PATH = 1000
_PLAIN = (
    *("revision", "profile", "params", "run_name", "work_dir", "project_dir"),
    *("config_text", "max_run_time_s"),
)


class TextField(serializers.CharField):
    """As the old service took it: left out, empty and null are the same."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 255)
        super().__init__(required=False, allow_blank=True, allow_null=True, **options)


class ChangesSerializer(serializers.Serializer[dict[str, Any]]):
    """What a launch has of its own; what is not sent is as it was.

    Parameters are added to those that were; null takes one away.
    """

    revision = TextField(help_text="A branch, a tag or a commit.")
    params = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="By the names of the pipeline's parameters, without dashes.",
    )
    profile = TextField(help_text="One or several, with commas between them.")
    run_name = TextField(help_text="Lower case letters, digits, - and _.")
    project_dir = TextField(
        max_length=LONGEST_PATH,
        help_text="A directory whose nextflow.config is a layer of the configuration.",
    )
    config_text = TextField(
        max_length=LONGEST_TEXT, help_text="A layer of the configuration, the last."
    )
    compute = TextField(max_length=100, help_text="The name of where it runs.")
    labels = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, max_length=20
    )
    max_run_time_s = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**31 - 1
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Only tell what would be run."
    )


class RelaunchSerializer(ChangesSerializer):
    """The same; and where it works, which who goes on with a launch can't choose."""

    work_dir = TextField(
        max_length=LONGEST_PATH,
        help_text="Below turret.launcher.allowed_roots; else one of its own.",
    )


class LaunchRequestSerializer(RelaunchSerializer):
    """What is to be launched: `pipeline` or `saved_pipeline`, the rest if need be.

    What is not sent is a saved pipeline's own; parameters are added to its presets.
    """

    pipeline = TextField(
        max_length=LONGEST_PATH,
        help_text="`org/repo`, the address of a git repository, or a directory.",
    )
    saved_pipeline = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Id of a saved pipeline.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("pipeline")) == bool(attrs.get("saved_pipeline")):
            wrong = "Send either pipeline or saved_pipeline."
            raise serializers.ValidationError({"pipeline": wrong})
        return attrs


def sent_by(kind: type[ChangesSerializer], request: Request) -> dict[str, Any]:
    """What was sent, without nulls. Raises BadLaunch: the old service answered 422."""
    sent = kind(data=request.data)
    if not sent.is_valid():
        fields = {name: _sentence(said) for name, said in sent.errors.items()}
        said = "; ".join(f"{name}: {why}" for name, why in fields.items())
        raise BadLaunch(said, fields)
    values: dict[str, Any] = {
        name: value for name, value in sent.validated_data.items() if value is not None
    }
    if "dry_run" in request.query_params:
        asked = serializers.BooleanField().run_validation
        values["dry_run"] = asked(request.query_params["dry_run"])
    return values


def wanted_by(sent: Mapping[str, Any], user: User) -> LaunchRequest:
    """Raises UnknownPipeline, BadLaunch."""
    saved = sent.get("saved_pipeline")
    pipeline = None if saved is None else find_launchable(saved, user)
    changes = changes_of(sent)
    if pipeline and "labels" in changes:
        changes["labels"] = (*pipeline.labels, *changes["labels"])
    return LaunchRequest(source=sent.get("pipeline", ""), pipeline=pipeline, **changes)


def changed(request: LaunchRequest, sent: Mapping[str, Any]) -> LaunchRequest:
    """With what was sent. Raises BadLaunch."""
    changes = changes_of(sent)
    params = {**request.params, **changes.get("params", {})}
    kept = {key: value for key, value in params.items() if value is not None}
    return replace(request, **{**changes, "params": kept})


def changes_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Of a LaunchRequest. Raises BadLaunch."""
    changes = {name: sent[name] for name in _PLAIN if name in sent}
    if "labels" in sent:
        changes["labels"] = tuple(sent["labels"])
    if name := sent.get("compute"):
        changes["compute"] = ComputeEnvironment.objects.filter(name=name).first()
        if changes["compute"] is None:
            message = f"There is no compute environment {name}."
            raise BadLaunch(message, {"compute": message})
    return changes


@contextmanager
def callers_words() -> Iterator[None]:
    """What a launch calls its source is `pipeline` here."""
    try:
        yield
    except BadLaunch as error:
        names = {"source": "pipeline"}
        fields = {names.get(name, name): why for name, why in error.fields.items()}
        raise BadLaunch(error.message, fields) from None


def _sentence(said: Any) -> str:
    if isinstance(said, dict):
        return " ".join(f"{key}: {_sentence(value)}" for key, value in said.items())
    if isinstance(said, list):
        return " ".join(_sentence(value) for value in said)
    return str(said)
