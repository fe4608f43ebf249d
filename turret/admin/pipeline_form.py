"""The form of a saved pipeline."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import yaml
from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from turret.engine.pipelines.values import BadParams, read_params_file
from turret.models import ComputeEnvironment, Pipeline
from turret.services.pipelines import problems_of

HOUR_S = 3600


def written(values: Any) -> str:
    """Values as YAML; nothing for none."""
    if not values:
        return ""
    text = yaml.safe_dump(values, allow_unicode=True, width=1000)
    return str(text)


def hours_of(seconds: int) -> str:
    return f"{seconds / HOUR_S:.4g}"


def code(rows: int) -> dict[str, Any]:
    """Attributes of a box for configuration and scripts."""
    return {"rows": rows, "spellcheck": "false", "data-code": ""}


class PipelineForm(forms.ModelForm):  # type: ignore[type-arg]
    params = forms.CharField(
        label="Presets",
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs=code(10)),
        help_text="Parameters as YAML (genome: GRCh38, one a line) or JSON. The form "
        "begins with them; whoever launches may change them.",
    )
    # Declared, for it to be without unfold's menu that adds and changes others.
    compute = forms.ModelChoiceField(
        label="Compute environment",
        queryset=ComputeEnvironment.objects.none(),
        required=False,
        empty_label="the configuration's own",
        widget=UnfoldAdminSelectWidget(),
        help_text="Where it runs, unless somebody chooses another.",
    )
    visible_params = SimpleArrayField(
        forms.CharField(max_length=200),
        label="Parameters that are asked for",
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Names, separated by commas. Empty: all that the pipeline's schema "
        "does not hide.",
    )
    labels = SimpleArrayField(
        forms.CharField(max_length=50),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Separated by commas; the form of a launch begins with them.",
    )
    max_run_time_h = forms.FloatField(
        label="Longest run time (hours)",
        required=False,
        min_value=0.01,
        max_value=24 * 365,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="Then it is cancelled, and can be resumed. Empty: no limit.",
    )

    class Meta:
        model = Pipeline
        fields = (
            *("name", "description", "source", "revision", "profile", "config_text"),
            *("visible_params", "compute", "labels", "groups", "is_enabled"),
            "max_concurrent",
        )
        widgets: ClassVar = {
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "config_text": UnfoldAdminTextareaWidget(attrs=code(6)),
        }
        labels: ClassVar = {
            "source": "Pipeline",
            "config_text": "Nextflow configuration",
            "groups": "Who may launch it",
            "is_enabled": "It can be launched",
            "max_concurrent": "At most at once",
        }
        help_texts: ClassVar = {
            "name": "What staff choose it by.",
            "description": "What it is for, in the words of the laboratory.",
            "source": "org/repo (GitHub), a git URL (https, ssh, file), or a directory "
            "of the host.",
            "revision": "Branch, tag or commit. A pinned revision can't be changed at "
            "launch; empty: whoever launches chooses.",
            "profile": "Separated by commas, as in test,docker.",
            "config_text": "A layer of nextflow.config, after that of the compute "
            "environment.",
            "groups": "Of those who may launch at all, only these. None chosen: all "
            "of them.",
            "max_concurrent": "Others wait for their turn. Empty: no limit of its own.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        compute = cast(
            "forms.ModelChoiceField[ComputeEnvironment]", self.fields["compute"]
        )
        compute.queryset = ComputeEnvironment.objects.order_by("name")
        saved = self.instance
        self.initial["params"] = written(saved.params)
        if saved.max_run_time_s:
            self.initial["max_run_time_h"] = hours_of(saved.max_run_time_s)

    def clean_params(self) -> dict[str, Any]:
        text = self.cleaned_data["params"]
        if not text.strip():
            return {}
        try:
            return read_params_file(text.encode(), "This")
        except BadParams as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any] | None:
        found = super().clean()
        hours = self.cleaned_data.get("max_run_time_h")
        seconds = None if hours is None else round(hours * HOUR_S)
        self.instance.max_run_time_s = seconds
        self.instance.params = self.cleaned_data.get("params", {})
        return found

    def _post_clean(self) -> None:
        """What the service refuses is said at its field."""
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            for name, problem in problems_of(self.instance).items():
                self.add_error(name if name in self.fields else None, problem)
