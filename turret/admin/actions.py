"""What people may say of a workflow: each with its words and its service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from runfolders.models import Runfolder
from seqhub.operations.admin.bulk import Change
from seqhub.operations.admin.confirm import OptionalReasonForm, Question, ReasonForm
from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor
from turret.choices import UNDER_WAY
from turret.models import Workflow
from turret.services import overrides

OPERATE = "turret.operate_workflow"
DELETE = "turret.delete_workflow"
SEE_SECRETS = "turret.see_secrets_workflow"

Answers = dict[str, Any]
Act = Callable[[Workflow, Answers, Actor], object]


class OwnerForm(OptionalReasonForm):
    owner = forms.ModelChoiceField(
        queryset=User.objects.none(),
        required=False,
        empty_label="nobody",
        widget=UnfoldAdminSelectWidget(),
    )
    field_order = ("owner", "reason")

    def __init__(self, data: Any, workflow: Workflow) -> None:
        super().__init__(data, initial={"owner": workflow.owner_id})
        owner = cast("forms.ModelChoiceField[User]", self.fields["owner"])
        owner.queryset = User.objects.filter(is_active=True).order_by("username")


class LabelsForm(OptionalReasonForm):
    labels = forms.CharField(
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Separated by commas; they take the place of those it has.",
    )
    field_order = ("labels", "reason")

    def __init__(self, data: Any, workflow: Workflow | None = None) -> None:
        labels = ", ".join(workflow.labels) if workflow else ""
        super().__init__(data, initial={"labels": labels})

    def clean_labels(self) -> list[str]:
        return [label.strip() for label in self.cleaned_data["labels"].split(",")]


class RunForm(OptionalReasonForm):
    run = forms.CharField(
        label="Run folder",
        required=False,
        max_length=300,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Its whole name, as in 230825_M04034_0043_000000000-L6NVV; empty "
        "to undo the link.",
    )
    field_order = ("run", "reason")

    def __init__(self, data: Any, workflow: Workflow) -> None:
        run = workflow.runfolder
        super().__init__(data, initial={"run": run.name if run else ""})

    def clean_run(self) -> str:
        return str(self.cleaned_data["run"]).strip()


@dataclass(frozen=True, slots=True)
class WorkflowAction:
    """Something a person may do to a workflow."""

    key: str
    icon: str
    title: str
    explains: str
    button: str
    # Called with the answers (or None) and the workflow; None for many at once.
    form_of: Callable[[Any, Workflow], forms.Form]
    done: str  # said afterwards, with the workflow's name before it
    act: Act
    permission: str = OPERATE
    # Where it makes sense; the service decides, this only hides the button.
    fits: Callable[[Workflow], bool] = lambda _workflow: True
    is_dangerous: bool = False
    bulk_form: Callable[[Any], forms.Form] | None = None

    def question(self, workflow: Workflow) -> Question:
        return Question(
            self.title,
            self.explains,
            self.button,
            lambda data: self.form_of(data, workflow),
            is_dangerous=self.is_dangerous,
        )

    @property
    def change(self) -> Change | None:
        """The same to many; None where each needs an answer of its own."""
        if self.bulk_form is None:
            return None
        question = Question(
            self.title,
            self.explains,
            self.button,
            self.bulk_form,
            is_dangerous=self.is_dangerous,
        )
        return Change(
            self.key, question, self.act, self.done, self.permission, "workflow"
        )


def _set_owner(workflow: Workflow, answers: Answers, actor: Actor) -> object:
    owner = answers["owner"]
    return overrides.set_owner(
        workflow.pk, owner and owner.pk, actor=actor, reason=answers["reason"]
    )


def _set_labels(workflow: Workflow, answers: Answers, actor: Actor) -> object:
    return overrides.set_labels(
        workflow.pk, answers["labels"], actor=actor, reason=answers["reason"]
    )


def _link(workflow: Workflow, answers: Answers, actor: Actor) -> object:
    name, reason = answers["run"], answers["reason"]
    if not name:
        return overrides.unlink_runfolder(workflow.pk, actor=actor, reason=reason)
    found = list(Runfolder.objects.filter(name=name).values_list("pk", flat=True)[:2])
    if not found:
        raise InvalidValue(f"No run folder is called {name}.")
    if len(found) > 1:
        raise InvalidValue(f"Several run folders are called {name}.")
    return overrides.link_runfolder(workflow.pk, found[0], actor=actor, reason=reason)


def _mark_unknown(workflow: Workflow, answers: Answers, actor: Actor) -> object:
    return overrides.mark_unknown(workflow.pk, actor=actor, reason=answers["reason"])


def _delete(workflow: Workflow, answers: Answers, actor: Actor) -> object:
    return overrides.delete_workflow(workflow.pk, actor=actor, reason=answers["reason"])


def _with_reason(data: Any, _workflow: Workflow) -> ReasonForm:
    return ReasonForm(data)


ACTIONS: dict[str, WorkflowAction] = {
    action.key: action
    for action in (
        WorkflowAction(
            "link",
            "link",
            "Link to a run folder",
            "The workflow is listed on the page of that run.",
            "Link",
            RunForm,
            "The link is kept.",
            _link,
        ),
        WorkflowAction(
            "labels",
            "label",
            "Set labels",
            "Words to find it by.",
            "Set labels",
            LabelsForm,
            "The labels are set.",
            _set_labels,
            bulk_form=LabelsForm,
        ),
        WorkflowAction(
            "owner",
            "person",
            "Set the owner",
            "Whose it is, for lists and searches. Nextflow goes on reporting.",
            "Set owner",
            OwnerForm,
            "The owner is set.",
            _set_owner,
        ),
        WorkflowAction(
            "unknown",
            "help",
            "Mark as unknown",
            "Nobody waits for it any longer. Nextflow itself is not stopped: if it "
            "reports again, the workflow is running again.",
            "Mark as unknown",
            _with_reason,
            "Unknown from now on.",
            _mark_unknown,
            fits=lambda workflow: workflow.status in UNDER_WAY,
            bulk_form=ReasonForm,
        ),
        WorkflowAction(
            "delete",
            "delete",
            "Delete this workflow",
            "What was traced of it is gone: its tasks, their scripts and resources. "
            "Files stay where they are, and its events in the history. A Nextflow "
            "that still runs is told that there is no such workflow, and newer "
            "versions stop then.",
            "Delete",
            _with_reason,
            "Deleted.",
            _delete,
            DELETE,
            is_dangerous=True,
            bulk_form=ReasonForm,
        ),
    )
}
