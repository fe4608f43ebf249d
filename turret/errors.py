"""What the trace, launching, and their pages refuse."""

from __future__ import annotations

from seqhub.operations.errors import DomainError, NotFound


class UnknownWorkflow(NotFound):
    """There is none, or it is another's: ids are not to be probed."""

    code = "unknown_workflow"


class UnknownTask(NotFound):
    code = "unknown_task"


class BadTrace(DomainError):
    """A body or a query that no Nextflow sends."""

    code = "bad_trace"
    status = 400


class UnknownLaunch(NotFound):
    code = "unknown_launch"


class UnknownPipeline(NotFound):
    """There is no such saved pipeline, or none that this person may launch."""

    code = "unknown_pipeline"


class BadLaunch(DomainError):
    """What is to be launched can't be. `fields`: message of each field that is wrong,
    by its name; those of parameters are `params.<key>`."""

    code = "bad_launch"
    status = 422

    def __init__(self, message: str, fields: dict[str, str] | None = None) -> None:
        self.fields = fields or {}
        super().__init__(message, **({"fields": self.fields} if fields else {}))


class SourceTrouble(DomainError):
    """A pipeline's repository can't be read; the message says why."""

    code = "source_trouble"
    status = 502


class SourceTimeout(SourceTrouble):
    """Whoever keeps the repository did not answer in time."""

    code = "source_timeout"
    status = 504


class UnknownSource(SourceTrouble):
    """There is no such repository, or no such revision of it, or it is hidden."""

    code = "unknown_source"
    status = 404


class OutsideRoots(DomainError):
    """A path that does not lie below turret.launcher.allowed_roots."""

    code = "outside_roots"
    status = 403


class NotEmpty(DomainError):
    """Something is there already."""

    code = "not_empty"
    status = 409


class TooLarge(DomainError):
    """Larger than it may be, or than the disk."""

    code = "too_large"
    status = 413


class NotPermitted(DomainError):
    """The system does not let us read or write there."""

    code = "not_permitted"
    status = 403
