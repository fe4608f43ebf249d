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
    Status.SUBMITTED: "Nextflow compiles the script, or is yet to be started.",
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


class LaunchState(TextChoices):
    """Of a launch: how its process stands."""

    PENDING = "pending", "waiting"
    STARTING = "starting", "starting"
    RUNNING = "running", "running"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "lost"


LAUNCH_TRANSITIONS: dict[str, tuple[LaunchState, ...]] = {
    LaunchState.PENDING: (
        LaunchState.STARTING,
        LaunchState.FAILED,
        LaunchState.CANCELLED,
    ),
    LaunchState.STARTING: (
        LaunchState.RUNNING,
        LaunchState.SUCCEEDED,
        LaunchState.FAILED,
        LaunchState.CANCELLED,
        LaunchState.LOST,
    ),
    LaunchState.RUNNING: (
        LaunchState.SUCCEEDED,
        LaunchState.FAILED,
        LaunchState.CANCELLED,
        LaunchState.LOST,
    ),
    LaunchState.SUCCEEDED: (),
    LaunchState.FAILED: (),
    LaunchState.CANCELLED: (),
    # Its exit code, or the process itself, was found after all.
    LaunchState.LOST: (
        LaunchState.RUNNING,
        LaunchState.SUCCEEDED,
        LaunchState.FAILED,
        LaunchState.CANCELLED,
    ),
}
ENDED_LAUNCH = (
    LaunchState.SUCCEEDED,
    LaunchState.FAILED,
    LaunchState.CANCELLED,
    LaunchState.LOST,
)
LAUNCH_COLOURS: dict[str, str] = {
    LaunchState.PENDING: "default",
    LaunchState.STARTING: "info",
    LaunchState.RUNNING: "info",
    LaunchState.SUCCEEDED: "success",
    LaunchState.FAILED: "danger",
    LaunchState.CANCELLED: "default",
    LaunchState.LOST: "warning",
}
LAUNCH_ICONS: dict[str, str] = {
    LaunchState.PENDING: "hourglass_top",
    LaunchState.STARTING: "schedule",
    LaunchState.RUNNING: "sync",
    LaunchState.SUCCEEDED: "check_circle",
    LaunchState.FAILED: "error",
    LaunchState.CANCELLED: "cancel",
    LaunchState.LOST: "help",
}
LAUNCH_GLOSSARY: dict[str, str] = {
    LaunchState.PENDING: "Waits for its turn.",
    LaunchState.STARTING: "Its files are written, and Nextflow is being started.",
    LaunchState.RUNNING: "Nextflow runs.",
    LaunchState.SUCCEEDED: "Nextflow has ended with exit code 0.",
    LaunchState.FAILED: "Nextflow has ended with an error, or could not be started.",
    LaunchState.CANCELLED: "Somebody stopped it.",
    LaunchState.LOST: "Nextflow is gone and has left no exit code: it was killed, or "
    "its machine was.",
}


class ComputeKind(TextChoices):
    """Where Nextflow itself runs."""

    LOCAL = "local", "on a host"
    SLURM = "slurm", "SLURM head job"


class TraceBy(TextChoices):
    """How the tasks of a launch come to be known."""

    AUTO = "auto", "as it can be had"
    TOWER = "tower", "reported by Nextflow (-with-tower)"
    FILE = "file", "read from its trace file"
