"""States of workflows and tasks as chips."""

from __future__ import annotations

from seqhub.lib.markup import Chip
from turret.choices import (
    FINAL,
    STATUS_COLOURS,
    STATUS_GLOSSARY,
    STATUS_ICONS,
    TASK_COLOURS,
    TASK_GLOSSARY,
    TASK_ICONS,
    Status,
    TaskStatus,
)
from turret.models import Workflow, WorkflowTask
from turret.words import ErrorAction
from turret.words import TaskStatus as Word

STUB = Chip("stub run", "warning", "science", "Ran without its real scripts.")
PREVIEW = Chip("preview", "warning", "visibility", "Ran no task.")
UNFINISHED = Chip(
    "not known",
    "warning",
    "help",
    "The run is over, and Nextflow never said what became of this task.",
)
RETRIED = Chip("retried", "warning", "restart_alt", "A later attempt followed.")
# Beside tiles and filters that say so, too.
_WORDS: dict[str, str] = {
    TaskStatus.COMPLETED: "succeeded",
    TaskStatus.NEW: "pending",
}
IGNORED = Chip("ignored", "warning", "error", "It failed, and the run went on.")


def status_chip(workflow: Workflow) -> Chip:
    """Where the workflow is; silence is said with it."""
    word = Status(workflow.status).label
    if workflow.stalled_at and workflow.status in (Status.SUBMITTED, Status.RUNNING):
        return Chip(
            f"{word}, silent",
            "warning",
            "running_with_errors",
            "Nextflow has not reported for longer than usual.",
            workflow.stalled_at,
        )
    return Chip(
        word,
        STATUS_COLOURS[workflow.status],
        STATUS_ICONS[workflow.status],
        STATUS_GLOSSARY[workflow.status],
        workflow.status_since,
    )


def extra_chips(workflow: Workflow) -> list[Chip]:
    """What else is worth a word beside the status."""
    chips = []
    if workflow.stub_run:
        chips.append(STUB)
    if workflow.preview:
        chips.append(PREVIEW)
    return chips


def task_chip(workflow: Workflow, task: WorkflowTask) -> Chip:
    """How the task is, or what was done about its failure."""
    if task.status == TaskStatus.FAILED and task.error_action == ErrorAction.RETRY:
        return RETRIED
    if task.status == TaskStatus.FAILED and task.error_action == ErrorAction.IGNORE:
        return IGNORED
    if workflow.status in FINAL and not Word(task.status).is_final:
        return UNFINISHED
    return Chip(
        _WORDS.get(task.status, TaskStatus(task.status).label),
        TASK_COLOURS[task.status],
        TASK_ICONS[task.status],
        TASK_GLOSSARY[task.status],
    )
