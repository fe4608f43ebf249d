"""Domain errors: a stable code, a sentence, and what the doors make of them."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """Something was refused, and nothing was changed.

    API: `status` with `code` and the message. Console: an error message.
    Command: the message and exit code 1.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **detail: object) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class IllegalTransition(DomainError):
    code = "illegal_transition"
    status = 409


class InvalidValue(DomainError):
    code = "invalid_value"
    status = 400


class NotFound(DomainError):
    code = "not_found"
    status = 404
