"""Why `up` does not start, or stopped."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What `up` ends with; told in its help."""

    OK = 0
    CONFIGURATION = 2
    ALREADY_RUNNING = 3
    PORT_IN_USE = 4
    DIRECTORY = 5
    NEWER_DATABASE = 6
    DATABASE = 7


class Refused(Exception):
    """SeqHub can't start; the message is one line for the sysadmin."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
