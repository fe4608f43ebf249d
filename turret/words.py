"""The words of Nextflow runs. What they mean to people stands in turret.choices."""

from __future__ import annotations

from enum import StrEnum


def simple_name(process: str) -> str:
    """`ALIGN` of `A:B:ALIGN`: without the names of the workflows around it."""
    return process.rpartition(":")[2]


class Status(StrEnum):
    """Of a workflow."""

    SUBMITTED = "submitted"  # created; its script is being compiled
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # silent for long, or said so by a person

    @property
    def is_final(self) -> bool:
        return self in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)


class TaskStatus(StrEnum):
    """Of a task; Nextflow's words in lower case. `OTHER` is a word that this
    version does not know."""

    NEW = "new"
    SUBMITTED = "submitted"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"
    CACHED = "cached"
    OTHER = "other"

    @property
    def rank(self) -> int:
        """A task never goes to a lower rank: what says so has come late."""
        return _RANKS[self]

    @property
    def is_final(self) -> bool:
        return self.rank == _FINAL


_FINAL = 3
_RANKS = {
    TaskStatus.OTHER: 0,
    TaskStatus.NEW: 0,
    TaskStatus.SUBMITTED: 1,
    TaskStatus.RUNNING: 2,
    TaskStatus.COMPLETED: _FINAL,
    TaskStatus.FAILED: _FINAL,
    TaskStatus.ABORTED: _FINAL,
    TaskStatus.CACHED: _FINAL,
}


class ErrorAction(StrEnum):
    """What Nextflow did about a task that failed."""

    TERMINATE = "terminate"
    FINISH = "finish"
    IGNORE = "ignore"
    RETRY = "retry"
