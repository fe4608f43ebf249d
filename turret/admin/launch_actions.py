"""What people may do with a launch: each with its words and its service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from seqhub.operations.admin.bulk import Change
from seqhub.operations.admin.confirm import OptionalReasonForm, Question, actor_of
from seqhub.operations.services.events import Actor
from turret.admin.pipeline_form import HOUR_S, hours_of
from turret.choices import ENDED_LAUNCH, UNDER_WAY, LaunchState
from turret.models import Launch, Workflow
from turret.panels.launch_links import new_launch_link
from turret.services.launching.cancelling import cancel
from turret.services.launching.clearing import clear
from turret.services.launching.resuming import relaunch, resume
from turret.services.launching.states import record

LAUNCH = "turret.launch_launch"

CANCEL = Question(
    "Cancel this launch",
    "Nextflow is told to stop, and stops its tasks; what does not stop is killed. What "
    "is done stays done: the launch can be resumed.",
    "Cancel launch",
    OptionalReasonForm,
    is_dangerous=True,
)

CLEAR = Question(
    "Clear the work directory",
    "Nextflow's work directory and cache are removed, for all launches that were "
    "resumed in it: none of them can be resumed then, and results that are links into "
    "it are lost. Log, trace and parameters stay.",
    "Clear work directory",
    OptionalReasonForm,
    is_dangerous=True,
)

CLEAR_ALL = replace(
    CLEAR,
    explains="Nextflow's work directory and cache are removed, and the launch "
    "directories with all results in them, as turret.launcher.clear_launch_dirs says: "
    "for all launches that were resumed in it. None of them can be resumed then, and "
    "results that are links into it are lost. Log, trace and parameters stay.",
)


def _clear_question(_launch: Launch) -> Question:
    is_all = settings.CONFIG.turret.launcher.clear_launch_dirs
    return CLEAR_ALL if is_all else CLEAR


class ResumeForm(OptionalReasonForm):
    max_run_time_h = forms.FloatField(
        label="Longest run time (hours)",
        required=False,
        min_value=0.01,
        max_value=24 * 365,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"}),
        help_text="Then it is stopped. Empty: no limit.",
    )
    field_order = ("max_run_time_h", "reason")

    def __init__(self, data: Any, limit_s: int | None) -> None:
        hours = hours_of(limit_s) if limit_s else None
        super().__init__(data, initial={"max_run_time_h": hours})


@dataclass(frozen=True, slots=True)
class LaunchAction:
    """Something that a person may do with a launch; services decide, `fits` only
    hides the button. What `act` makes is a new launch."""

    key: str
    icon: str
    title: str
    question: Callable[[Launch], Question]
    act: Callable[[HttpRequest, Launch, dict[str, Any]], Launch]
    fits: Callable[[Launch], bool]
    done: str
    is_dangerous: bool = False


def resume_question(name: str, limit_s: int | None) -> Question:
    return Question(
        f"Resume {name}",
        "A new launch goes on in the same session and directories, with the same "
        "parameters: tasks that are done are not computed again.",
        "Resume",
        lambda data: ResumeForm(data, limit_s),
    )


def resume_workflow(
    request: HttpRequest, workflow_pk: int, answers: dict[str, Any]
) -> Launch:
    hours = answers["max_run_time_h"]
    changes = {"max_run_time_s": round(hours * HOUR_S) if hours else None}
    user, actor = cast("User", request.user), actor_of(request)
    made = resume(workflow_pk, user=user, actor=actor, changes=changes)
    return _noted(made, answers["reason"], actor)


def _cancel(request: HttpRequest, launch: Launch, answers: dict[str, Any]) -> Launch:
    return cancel(launch.pk, actor=actor_of(request), reason=answers["reason"])


def _resume(request: HttpRequest, launch: Launch, answers: dict[str, Any]) -> Launch:
    return resume_workflow(request, launch.workflow_id, answers)


def _relaunch(request: HttpRequest, launch: Launch, answers: dict[str, Any]) -> Launch:
    user, actor = cast("User", request.user), actor_of(request)
    made = relaunch(launch.pk, user=user, actor=actor, changes={})
    return _noted(made, answers["reason"], actor)


def _clear(request: HttpRequest, launch: Launch, answers: dict[str, Any]) -> Launch:
    clear(launch.pk, actor=actor_of(request), reason=answers["reason"])
    return launch


def _noted(launch: Launch, reason: str, actor: Actor) -> Launch:
    if reason:
        record(launch, "reason", f"Why: {reason}", actor=actor)
    return launch


def _relaunch_question(launch: Launch) -> Question:
    return Question(
        f"Launch {launch} again",
        "The same pipeline with the same parameters, from its beginning, in new "
        "directories. This launch stays as it is.",
        "Launch again",
        OptionalReasonForm,
    )


def _has_ended(launch: Launch) -> bool:
    return launch.state in ENDED_LAUNCH


def _can_be_resumed(launch: Launch) -> bool:
    return _has_ended(launch) and launch.cleared_at is None and bool(launch.started_at)


ACTIONS: dict[str, LaunchAction] = {
    action.key: action
    for action in (
        LaunchAction(
            "resume",
            "resume",
            "Resume",
            lambda launch: resume_question(str(launch), launch.max_run_time_s),
            _resume,
            _can_be_resumed,
            "goes on with it.",
        ),
        LaunchAction(
            "relaunch",
            "replay",
            "Relaunch",
            _relaunch_question,
            _relaunch,
            _has_ended,
            "is the same again.",
        ),
        LaunchAction(
            "cancel",
            "cancel",
            "Cancel",
            lambda _launch: CANCEL,
            _cancel,
            lambda launch: not _has_ended(launch) and launch.cancel_asked_at is None,
            "is being cancelled.",
            is_dangerous=True,
        ),
        LaunchAction(
            "clear",
            "delete_sweep",
            "Clear work directory",
            _clear_question,
            _clear,
            lambda launch: _has_ended(launch) and launch.cleared_at is None,
            "is being cleared.",
            is_dangerous=True,
        ),
    )
}
CANCEL_MANY = Change(
    "cancel",
    Question(
        "Cancel the chosen launches",
        CANCEL.explains,
        "Cancel launches",
        OptionalReasonForm,
        is_dangerous=True,
    ),
    lambda launch, answers, actor: cancel(
        launch.pk, actor=actor, reason=answers["reason"]
    ),
    "to be cancelled.",
    LAUNCH,
    "launch",
)


@dataclass(frozen=True, slots=True)
class Button:
    key: str
    icon: str
    title: str
    link: str
    is_primary: bool = False
    is_dialog: bool = True
    # In the menu beside the others.
    is_rare: bool = False
    is_dangerous: bool = False


_GOES_ON = ("resume", "edit-resume")
_ANEW = ("relaunch", "edit")


def buttons_of(request: HttpRequest, launch: Launch) -> list[Button]:
    """What this person may do with it now; the first thing to do is the large one."""
    if not request.user.has_perm(LAUNCH):
        return []
    found = [
        Button(
            action.key,
            action.icon,
            action.title,
            reverse("admin:turret_launch_do", args=[launch.pk, action.key]),
            is_dangerous=action.is_dangerous,
        )
        for action in ACTIONS.values()
        if action.fits(launch)
    ]
    edit = new_launch_link(**{"from": launch.launch_id})
    found.append(Button("edit", "edit", "Edit and relaunch", edit, is_dialog=False))
    usual, primary = _ANEW, ""
    if _can_be_resumed(launch):
        found.append(_edit_and_resume(launch.launch_id))
        if launch.state != LaunchState.SUCCEEDED:
            usual, primary = _GOES_ON, "resume"
    order = list(dict.fromkeys(("cancel", *usual, *_GOES_ON, *_ANEW, "clear")))
    shown = [
        replace(
            button,
            is_primary=button.key == primary,
            is_rare=button.key not in (*usual, "cancel"),
        )
        for button in found
    ]
    return sorted(shown, key=lambda button: order.index(button.key))


def _edit_and_resume(workflow_id: str) -> Button:
    """To the form: other parameters, the same session."""
    link = new_launch_link(resume=workflow_id)
    return Button("edit-resume", "edit", "Edit and resume", link, is_dialog=False)


def buttons_of_workflow(
    request: HttpRequest, workflow: Workflow, launch: Launch | None
) -> list[Button]:
    """Of a workflow's page: those of its launch, or to resume what somebody has
    started in a shell."""
    if not request.user.has_perm("turret.view_launch"):
        return []
    if launch is not None:
        launch.workflow = workflow
        page = reverse("admin:turret_launch_change", args=[launch.pk])
        see = Button("launch", "terminal", "Launch and log", page, is_dialog=False)
        return [*buttons_of(request, launch), see]
    if not (request.user.has_perm(LAUNCH) and _looks_resumable(workflow)):
        return []
    link = reverse("admin:turret_launch_resume", args=[workflow.pk])
    resume_it = Button("resume", "resume", "Resume", link)
    return [resume_it, _edit_and_resume(workflow.workflow_id)]


def _looks_resumable(workflow: Workflow) -> bool:
    """Without a look at the disk, which the service takes."""
    if workflow.status in UNDER_WAY or not workflow.session_id:
        return False
    place = Path(workflow.launch_dir or ".")
    roots = settings.CONFIG.turret.launcher.allowed_roots
    return any(place.is_relative_to(root) for root in roots)
