"""States of workflows and tasks, as people read them."""

from __future__ import annotations

from django.db.models import TextChoices

from turret import words


class Status(TextChoices):
    """Of a workflow."""

    SUBMITTED = words.Status.SUBMITTED.value, "submitted"
    RUNNING = words.Status.RUNNING.value, "running"
    SUCCEEDED = words.Status.SUCCEEDED.value, "succeeded"
    FAILED = words.Status.FAILED.value, "failed"
    CANCELLED = words.Status.CANCELLED.value, "cancelled"
    UNKNOWN = words.Status.UNKNOWN.value, "unknown"


FINAL = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
UNDER_WAY = (Status.SUBMITTED, Status.RUNNING)


class TaskStatus(TextChoices):
    """Of a task."""

    NEW = words.TaskStatus.NEW.value, "new"
    SUBMITTED = words.TaskStatus.SUBMITTED.value, "submitted"
    RUNNING = words.TaskStatus.RUNNING.value, "running"
    COMPLETED = words.TaskStatus.COMPLETED.value, "completed"
    FAILED = words.TaskStatus.FAILED.value, "failed"
    ABORTED = words.TaskStatus.ABORTED.value, "aborted"
    CACHED = words.TaskStatus.CACHED.value, "cached"
    OTHER = words.TaskStatus.OTHER.value, "other"


# Chip colours are unfold's label variants, icons Material Symbols.
STATUS_COLOURS: dict[str, str] = {
    Status.SUBMITTED: "default",
    Status.RUNNING: "info",
    Status.SUCCEEDED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "default",
    Status.UNKNOWN: "warning",
}
STATUS_ICONS: dict[str, str] = {
    Status.SUBMITTED: "schedule",
    Status.RUNNING: "sync",
    Status.SUCCEEDED: "check_circle",
    Status.FAILED: "error",
    Status.CANCELLED: "cancel",
    Status.UNKNOWN: "help",
}
STATUS_GLOSSARY: dict[str, str] = {
    Status.SUBMITTED: "Nextflow has started and compiles the script.",
    Status.RUNNING: "Nextflow is at work, and reports.",
    Status.SUCCEEDED: "Nextflow has reported its end, without a failure.",
    Status.FAILED: "Nextflow has reported that it ended with a failure.",
    Status.CANCELLED: "Somebody stopped Nextflow: Ctrl-C, or a signal.",
    Status.UNKNOWN: "Nextflow has fallen silent; how it ended nobody knows. If it "
    "reports again, it is running again.",
}
TASK_COLOURS: dict[str, str] = {
    TaskStatus.NEW: "default",
    TaskStatus.SUBMITTED: "default",
    TaskStatus.RUNNING: "info",
    TaskStatus.COMPLETED: "success",
    TaskStatus.FAILED: "danger",
    TaskStatus.ABORTED: "warning",
    TaskStatus.CACHED: "success",
    TaskStatus.OTHER: "default",
}
TASK_ICONS: dict[str, str] = {
    TaskStatus.NEW: "schedule",
    TaskStatus.SUBMITTED: "hourglass_top",
    TaskStatus.RUNNING: "sync",
    TaskStatus.COMPLETED: "check_circle",
    TaskStatus.FAILED: "error",
    TaskStatus.ABORTED: "cancel",
    TaskStatus.CACHED: "history",
    TaskStatus.OTHER: "help",
}
TASK_GLOSSARY: dict[str, str] = {
    TaskStatus.NEW: "Waits in Nextflow.",
    TaskStatus.SUBMITTED: "Waits for the machine or the scheduler.",
    TaskStatus.RUNNING: "Is being computed.",
    TaskStatus.COMPLETED: "Ended without an error.",
    TaskStatus.FAILED: "Ended with an error.",
    TaskStatus.ABORTED: "Was stopped because the run came to its end.",
    TaskStatus.CACHED: "The result of an earlier run was taken.",
    TaskStatus.OTHER: "Nextflow used a word that SeqHub does not know.",
}
