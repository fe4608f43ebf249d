"""What people may do to a run: each with its words, its permission, its service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget

from runfolders.choices import Sequencing, State
from runfolders.models import Hold, Runfolder
from runfolders.services import holds, scan, sequencing, states, visibility
from seqhub.operations.admin.confirm import OptionalReasonForm, Question, ReasonForm
from seqhub.operations.services.events import Actor

CHANGE = "runfolders.change_runfolder"
DELETE = "runfolders.delete_runfolder"


class StateForm(ReasonForm):
    state = forms.ChoiceField(
        choices=State.choices, initial=State.READY, widget=UnfoldAdminSelectWidget()
    )
    field_order = ("state", "reason")


class NoQuestionsForm(forms.Form):
    """Nothing to fill in: the button is the answer."""


Answers = dict[str, Any]
Act = Callable[[Runfolder, Answers, Actor], None]


@dataclass(frozen=True, slots=True)
class Override:
    """Something a person may do to a run."""

    key: str
    icon: str
    question: Question
    done: str  # said afterwards, with the run's name before it
    act: Act
    # Where it makes sense; the service decides, this only hides the button.
    fits: Callable[[Runfolder, Hold | None], bool]
    permission: str = CHANGE
    in_bulk: bool = False


def _set_state(run: Runfolder, answers: Answers, actor: Actor) -> None:
    states.set_state(run.pk, answers["state"], actor=actor, reason=answers["reason"])


def _hold(run: Runfolder, answers: Answers, actor: Actor) -> None:
    holds.hold(run.pk, actor=actor, reason=answers["reason"])


def _release(run: Runfolder, answers: Answers, actor: Actor) -> None:
    holds.release(run.pk, actor=actor, reason=answers["reason"])


def _rescan(run: Runfolder, _answers: Answers, actor: Actor) -> None:
    scan.request_scan(run.host, actor=actor)


def _mark(word: Sequencing) -> Act:
    def mark(run: Runfolder, answers: Answers, actor: Actor) -> None:
        sequencing.override_sequencing(
            run.pk, word, actor=actor, reason=answers["reason"]
        )

    return mark


def _lift(run: Runfolder, answers: Answers, actor: Actor) -> None:
    sequencing.lift_override(run.pk, actor=actor, reason=answers["reason"])


def _ignore(run: Runfolder, answers: Answers, actor: Actor) -> None:
    visibility.ignore_runfolder(run.pk, actor=actor, reason=answers["reason"])


def _unignore(run: Runfolder, answers: Answers, actor: Actor) -> None:
    visibility.unignore_runfolder(run.pk, actor=actor, reason=answers["reason"])


def _forget(run: Runfolder, answers: Answers, actor: Actor) -> None:
    visibility.forget_runfolder(run.pk, actor=actor, reason=answers["reason"])


OVERRIDES: dict[str, Override] = {
    override.key: override
    for override in (
        Override(
            "rescan",
            "refresh",
            Question(
                "Scan now",
                "The scanner looks at this host's directories at once "
                "instead of within a minute.",
                "Scan now",
                NoQuestionsForm,
            ),
            "The scan has been asked for.",
            _rescan,
            lambda run, _hold: run.is_present,
        ),
        Override(
            "hold",
            "pause_circle",
            Question(
                "Put on hold",
                "API clients are no longer offered this run and nothing automatic "
                "happens to it, until somebody releases it. Its state stays.",
                "Put on hold",
            ),
            "On hold.",
            _hold,
            lambda _run, hold: hold is None,
            in_bulk=True,
        ),
        Override(
            "release",
            "play_circle",
            Question(
                "Release from hold",
                "API clients are offered this run again if it is ready.",
                "Release",
                OptionalReasonForm,
            ),
            "Released.",
            _release,
            lambda _run, hold: hold is not None,
            in_bulk=True,
        ),
        Override(
            "set_state",
            "swap_horiz",
            Question(
                "Set the state",
                "This is the word that API clients see and set. “ready” offers the "
                "run to the next client that asks.",
                "Set state",
                StateForm,
            ),
            "The state is set.",
            _set_state,
            lambda _run, _hold: True,
            in_bulk=True,
        ),
        Override(
            "mark_complete",
            "task_alt",
            Question(
                "Mark as complete",
                "Your word stands, whatever is on disk, until the override is "
                "lifted. A run that is not offered yet becomes ready for clients.",
                "Mark as complete",
                is_dangerous=True,
            ),
            "Marked as complete.",
            _mark(Sequencing.COMPLETE),
            lambda run, _hold: run.is_present and run.sequencing != "complete",
        ),
        Override(
            "mark_failed",
            "report",
            Question(
                "Mark as failed",
                "Your word stands, whatever is on disk, until the override is lifted.",
                "Mark as failed",
                is_dangerous=True,
            ),
            "Marked as failed.",
            _mark(Sequencing.FAILED),
            lambda run, _hold: run.is_present and run.sequencing != "failed",
        ),
        Override(
            "lift_override",
            "undo",
            Question(
                "Lift the override",
                "What is on disk counts again; the next scan looks afresh.",
                "Lift override",
                OptionalReasonForm,
            ),
            "The override is lifted.",
            _lift,
            lambda run, _hold: run.is_overridden,
        ),
        Override(
            "ignore",
            "visibility_off",
            Question(
                "Ignore this run",
                "It leaves lists, the dashboard and the API's answers. The scanner "
                "still knows it, and it can be brought back.",
                "Ignore",
                is_dangerous=True,
            ),
            "Ignored from now on.",
            _ignore,
            lambda run, _hold: run.ignored_at is None,
            in_bulk=True,
        ),
        Override(
            "unignore",
            "visibility",
            Question(
                "Stop ignoring this run",
                "It comes back into lists and the API's answers.",
                "Stop ignoring",
                OptionalReasonForm,
            ),
            "No longer ignored.",
            _unignore,
            lambda run, _hold: run.ignored_at is not None,
            in_bulk=True,
        ),
        Override(
            "forget",
            "delete",
            Question(
                "Forget this run",
                "Its row, samples and notes are deleted; its events stay. Only a run "
                "that is gone from disk can be forgotten.",
                "Forget",
                is_dangerous=True,
            ),
            "Forgotten; its events are kept.",
            _forget,
            lambda run, _hold: not run.is_present,
            permission=DELETE,
        ),
    )
}


def primary_key(run: Runfolder, hold: Hold | None) -> str:
    """The one thing that most likely comes next, for the large button."""
    if run.ignored_at:
        return "unignore"
    if not run.is_present:
        return "forget"
    if hold:
        return "release"
    if run.is_overridden:
        return "lift_override"
    if run.sequencing == Sequencing.COMPLETE:
        return "set_state" if run.state in (State.ERROR, State.NONE) else "hold"
    return "rescan"
