"""What the trace and the pages of workflows refuse."""

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
