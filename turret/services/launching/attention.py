"""What a person should look at because of a launch."""

from __future__ import annotations

from seqhub.operations.models import Attention
from seqhub.operations.services.attention import close_attention, open_attention
from turret.choices import ENDED_LAUNCH, LaunchState
from turret.models import Launch, Workflow
from turret.services import attention as of_workflows

FAILED = "launch_failed"
LOST = "launch_lost"
NOT_CLEARED = "launch_not_cleared"
# Of earlier launches that one that ends well puts right.
_MOST = 1000


def ended(launch: Launch) -> None:
    """The row says how. A run that had begun is told of by its workflow."""
    if launch.state == LaunchState.LOST:
        _open(launch, LOST, "is lost")
        return
    close_attention(launch.subject)
    if launch.state == LaunchState.SUCCEEDED:
        _close_earlier(launch)
    began = Workflow.objects.filter(pk=launch.workflow_id, begun_at__isnull=False)
    if launch.state != LaunchState.FAILED or began.exists():
        of_workflows.judge_end(launch.workflow_id)
        return
    close_attention(launch.workflow.subject)
    _open(launch, FAILED, "failed")


def not_cleared(launch: Launch, why: str) -> None:
    """Its directories are to be removed, and some of them can't be."""
    message = f"Not all of the work directory of {launch} could be removed. {why}"
    step = "Remove it as root, or make it writable to SeqHub; the rest follows."
    run = launch.workflow.run
    open_attention(launch.subject, NOT_CLEARED, message, next_step=step, runfolder=run)


def cleared(launch: Launch) -> None:
    close_attention(launch.subject, NOT_CLEARED)


def _open(launch: Launch, code: str, word: str) -> None:
    message = f"Launch {launch} {word}. {launch.message}".strip()
    step = launch.next_step or "Look at its log, then launch it again."
    run = launch.workflow.run
    open_attention(launch.subject, code, message, next_step=step, runfolder=run)


def _close_earlier(launch: Launch) -> None:
    """A later launch of the same pipeline has come to a good end."""
    earlier = Launch.objects.filter(
        source=launch.source,
        submitted_at__lt=launch.submitted_at,
        state__in=ENDED_LAUNCH,
    )
    newest_first = earlier.order_by("-submitted_at", "-pk").values_list("pk", flat=True)
    subjects = [f"launch:{pk}" for pk in newest_first[:_MOST]]
    rows = Attention.objects.filter(subject__in=subjects, code__in=(FAILED, LOST))
    standing = set(rows.values_list("subject", flat=True))
    # All go this way: several that end at once can't wait for each other in a circle.
    for subject in subjects:
        if subject in standing:
            close_attention(subject, FAILED, LOST)
