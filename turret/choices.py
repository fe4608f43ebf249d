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
