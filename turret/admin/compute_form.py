"""The form of a compute environment."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.postgres.forms import SimpleArrayField
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from seqhub.operations.models import Heartbeat
from turret.admin.pipeline_form import code
from turret.models import ComputeEnvironment
from turret.services.launching.environments import is_never_passed_on

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Of SLURM's partitions and accounts; several are separated by commas.
_WORD = re.compile(r"[\w.,:@+/-]*")


class ComputeForm(forms.ModelForm):  # type: ignore[type-arg]
    host = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget(),
        help_text="Whose workers start and watch the launches; for SLURM one that has "
        "sbatch and sees the same disks as the cluster.",
    )
    environment = SimpleArrayField(
        forms.CharField(max_length=100),
        label="Variables passed on",
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Names of variables of SeqHub's own environment that Nextflow and "
        "its tasks get besides the usual ones (PATH, HOME, LANG, NXF_...), separated "
        "by commas.",
    )

    class Meta:
        model = ComputeEnvironment
        fields = (
            *("name", "kind", "host", "is_enabled", "max_concurrent", "nextflow"),
            *("work_dir", "trace", "environment", "config_text", "modules"),
            *("pre_run", "queue", "account", "head_cpus", "head_memory_mb"),
            "head_time_minutes",
        )
        widgets: ClassVar = {
            "config_text": UnfoldAdminTextareaWidget(attrs=code(6)),
            "modules": UnfoldAdminTextareaWidget(attrs=code(3)),
            "pre_run": UnfoldAdminTextareaWidget(attrs=code(5)),
        }
        labels: ClassVar = {
            "kind": "Nextflow runs",
            "is_enabled": "Launches may use it",
            "max_concurrent": "At most at once",
            "nextflow": "Nextflow",
            "work_dir": "Work directory",
            "trace": "Tasks are known",
            "config_text": "Nextflow configuration",
            "modules": "Module lines",
            "pre_run": "Script before Nextflow",
            "queue": "Partition",
            "head_cpus": "CPUs",
            "head_memory_mb": "Memory (MB)",
            "head_time_minutes": "Time (minutes)",
        }
        help_texts: ClassVar = {
            "kind": "What tasks run on is said by the Nextflow configuration below.",
            "is_enabled": "Off: what runs goes on, nothing new begins.",
            "max_concurrent": "Others wait for their turn. Empty: no limit but "
            "turret.launcher.max_concurrent of its host; that does not count SLURM's "
            "head jobs.",
            "nextflow": "A program on PATH, or its path. Empty: "
            "turret.launcher.nextflow.",
            "work_dir": "Below it each launch has a directory for its tasks. Empty: "
            "beside its log, below turret.launcher.work_dir.",
            "trace": "Where the tower plugin can't be had, by Nextflow's trace file.",
            "config_text": "A layer of nextflow.config for all launches here, such as "
            "process.executor = 'slurm'.",
            "modules": "Run by the shell: module load nextflow/24.10.",
            "pre_run": "Run by the shell after the module lines, as SeqHub's user.",
            "queue": "Empty: SLURM's default.",
            "head_memory_mb": "Of Nextflow itself, not of its tasks: some 1,000 are "
            "enough.",
            "head_time_minutes": "Longer than the whole run takes; SLURM ends it then.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hosts = set(Heartbeat.objects.values_list("host", flat=True))
        hosts |= {settings.CONFIG.host, self.instance.host} - {""}
        field = self.fields["host"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for the type
        field.choices = [(host, host) for host in sorted(hosts)]
        self.initial.setdefault("host", settings.CONFIG.host)

    def clean_environment(self) -> list[str]:
        names: list[str] = self.cleaned_data["environment"]
        for name in names:
            if not _NAME.fullmatch(name):
                raise forms.ValidationError(f"{name} is no name of a variable.")
            if is_never_passed_on(name):
                raise forms.ValidationError(f"{name} is SeqHub's own, and stays here.")
        return names

    def clean_work_dir(self) -> str:
        text = str(self.cleaned_data["work_dir"]).strip()
        if text and not text.startswith("/"):
            raise forms.ValidationError("It must be an absolute path.")
        return text

    def clean_nextflow(self) -> str:
        text = str(self.cleaned_data["nextflow"]).strip()
        if text.startswith("-"):
            raise forms.ValidationError("A program does not begin with a dash.")
        return text

    def clean_queue(self) -> str:
        return self._word("queue")

    def clean_account(self) -> str:
        return self._word("account")

    def _word(self, name: str) -> str:
        text = str(self.cleaned_data[name]).strip()
        if not _WORD.fullmatch(text):
            raise forms.ValidationError("Letters, digits and . , : @ + / - only.")
        return text
