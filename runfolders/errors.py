"""What the services of run folders refuse."""

from __future__ import annotations

from seqhub.operations.errors import DomainError, InvalidValue, NotFound


class UnknownState(InvalidValue):
    code = "unknown_state"


class RunfolderNotFound(NotFound):
    code = "runfolder_not_found"


class NotMonitored(DomainError):
    """The path is not where run folders of a monitored directory lie."""

    code = "not_monitored"
    status = 400


class CreationRefused(DomainError):
    """A test run folder can't be made (not enabled, or it is there)."""

    code = "creation_refused"
    status = 400


class RunfolderPresent(DomainError):
    """Only a vanished run folder can be forgotten."""

    code = "runfolder_present"
    status = 409
