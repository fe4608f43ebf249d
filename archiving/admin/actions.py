"""What people may do to an archive: each with its words and its service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from archiving.choices import Depth, Status, Verified
from archiving.models import ArchiveJob
from archiving.services import jobs
from archiving.services.verification import request_verification
from seqhub.operations.admin.bulk import Change
from seqhub.operations.admin.confirm import OptionalReasonForm, Question
from seqhub.operations.services.events import Actor

SEAL = "archiving.seal_archivejob"
RESTORE = "archiving.restore_archivejob"

Answers = dict[str, Any]
Act = Callable[[ArchiveJob, Answers, Actor], object]


class VerifyForm(forms.Form):
    """How deep to look."""

    depth = forms.ChoiceField(
        choices=[
            (Depth.FULL, "Each file, decrypted (needs the secret key here)"),
            (Depth.BYTES, "The archive's bytes only (needs no key)"),
        ],
        initial=Depth.FULL,
        widget=UnfoldAdminSelectWidget(),
    )
    with_source = forms.BooleanField(
        label="Compare with the run folder, too",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Names, sizes and times of its files, as far as it is still there.",
    )
    is_deep = forms.BooleanField(
        label="Read the run folder's files as well",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Each file's checksum; takes as long as sealing.",
    )


@dataclass(frozen=True, slots=True)
class JobAction:
    """Something a person may do to an archive."""

    key: str
    icon: str
    question: Question
    done: str  # said afterwards, with the archive's name before it
    act: Act
    # Where it makes sense; the service decides, this only hides the button.
    fits: Callable[[ArchiveJob], bool]
    in_bulk: bool = False

    @property
    def change(self) -> Change:
        return Change(self.key, self.question, self.act, self.done, SEAL, "archive")


def _service(function: Callable[..., object]) -> Act:
    def act(job: ArchiveJob, answers: Answers, actor: Actor) -> object:
        return function(job.pk, actor=actor, reason=answers["reason"])

    return act


def _verify(job: ArchiveJob, answers: Answers, actor: Actor) -> object:
    is_deep = cast("bool", answers["is_deep"])
    return request_verification(
        job.pk,
        actor=actor,
        depth=Depth(answers["depth"]),
        with_source=answers["with_source"] or is_deep,
        is_deep=is_deep,
    )


def _waits(job: ArchiveJob) -> bool:
    return job.status in (Status.PENDING, Status.FAILED)


def _can_retry(job: ArchiveJob) -> bool:
    return job.status == Status.FAILED or (
        job.status == Status.PENDING and job.not_before is not None
    )


def _is_sealed(job: ArchiveJob) -> bool:
    return job.status == Status.ENCRYPTED


ACTIONS: dict[str, JobAction] = {
    action.key: action
    for action in (
        JobAction(
            "retry",
            "restart_alt",
            Question(
                "Retry now",
                "It is sealed as soon as a worker is free, and its failures are "
                "counted afresh.",
                "Retry",
                OptionalReasonForm,
            ),
            "Sealing is tried again.",
            _service(jobs.retry),
            _can_retry,
            in_bulk=True,
        ),
        JobAction(
            "hold",
            "pause_circle",
            Question(
                "Put on hold",
                "It is not sealed until somebody releases it. What runs now runs "
                "to its end; an archive that exists stays as it is.",
                "Put on hold",
            ),
            "On hold.",
            _service(jobs.hold),
            lambda job: job.held_at is None and not _is_sealed(job),
            in_bulk=True,
        ),
        JobAction(
            "release",
            "play_circle",
            Question(
                "Release from hold",
                "It is sealed as soon as a worker is free.",
                "Release",
                OptionalReasonForm,
            ),
            "Released.",
            _service(jobs.release),
            lambda job: job.held_at is not None,
            in_bulk=True,
        ),
        JobAction(
            "verify",
            "fact_check",
            Question(
                "Verify now",
                "The archive is read from disk and compared with what was sealed. "
                "Nothing is changed, and the result stands under Verifications.",
                "Verify",
                VerifyForm,
            ),
            "The verification has been asked for.",
            _verify,
            _is_sealed,
            in_bulk=True,
        ),
        JobAction(
            "cancel",
            "cancel",
            Question(
                "Cancel sealing",
                "The running attempt ends and what is half made is removed. It does "
                "not count as a failure. An older archive of the run stays.",
                "Cancel sealing",
                is_dangerous=True,
            ),
            "The running attempt ends.",
            _service(jobs.cancel),
            lambda job: (
                job.status == Status.PROCESSING and job.cancel_requested_at is None
            ),
            in_bulk=True,
        ),
        JobAction(
            "reseal",
            "enhanced_encryption",
            Question(
                "Seal anew",
                "The run folder is read again and a new archive made of it, with a "
                "new key. The present archive stays until the new one is verified, "
                "and is then replaced.",
                "Seal anew",
            ),
            "It is sealed anew.",
            _service(jobs.reseal),
            _is_sealed,
        ),
        JobAction(
            "ignore",
            "visibility_off",
            Question(
                "Ignore this run",
                "It is not sealed by itself and leaves the list, until somebody "
                "brings it back. An archive that exists stays as it is.",
                "Ignore",
                is_dangerous=True,
            ),
            "Ignored from now on.",
            _service(jobs.ignore),
            lambda job: _waits(job) and job.ignored_at is None,
        ),
        JobAction(
            "unignore",
            "visibility",
            Question(
                "Stop ignoring this run",
                "It comes back into the list and is sealed by itself.",
                "Stop ignoring",
                OptionalReasonForm,
            ),
            "No longer ignored.",
            _service(jobs.unignore),
            lambda job: job.ignored_at is not None,
        ),
    )
}


def primary_key(job: ArchiveJob) -> str:
    """The one thing that most likely comes next, for the large button."""
    if job.ignored_at:
        return "unignore"
    if job.held_at and not _is_sealed(job):
        return "release"
    if job.status == Status.PROCESSING:
        return "cancel"
    if job.status == Status.ENCRYPTED:
        is_bad = job.verification == Verified.DAMAGED or job.has_weak_key
        return "reseal" if is_bad else "verify"
    return "retry" if _can_retry(job) else "hold"
