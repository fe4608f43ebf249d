"""What can go wrong with an archive, each with a code that stays."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from seqhub.operations.errors import DomainError, NotFound


class Code(StrEnum):
    """Why an attempt ended without a result. Kept in rows and answers."""

    SOURCE_MISSING = "source_missing"
    SOURCE_UNREADABLE = "source_unreadable"
    SOURCE_CHANGED = "source_changed"
    SOURCE_EMPTY = "source_empty"
    SOURCE_LACKS = "source_lacks"  # what the old archive has, when sealed anew
    DESTINATION_MISSING = "destination_missing"
    DESTINATION_READ_ONLY = "destination_read_only"
    DESTINATION_FULL = "destination_full"
    DESTINATION_FAILED = "destination_failed"
    DESTINATION_OCCUPIED = "destination_occupied"
    NO_SPACE = "no_space"  # not enough to begin, or to go on: it waits
    TAR_FAILED = "tar_failed"
    GPG_FAILED = "gpg_failed"
    PROGRAM_MISSING = "program_missing"
    AGENT_HUNG = "agent_hung"
    NO_RECIPIENT = "no_recipient"
    RECIPIENT_MISSING = "recipient_missing"
    RECIPIENT_EXPIRED = "recipient_expired"
    RECIPIENT_UNUSABLE = "recipient_unusable"
    NO_SECRET_KEY = "no_secret_key"  # noqa: S105 - a word
    WRONG_KEY = "wrong_key"
    ARCHIVE_MISSING = "archive_missing"
    ARCHIVE_DAMAGED = "archive_damaged"
    MANIFEST_MISSING = "manifest_missing"
    NOT_IN_ARCHIVE = "not_in_archive"
    ALREADY_THERE = "already_there"
    WORKER_LOST = "worker_lost"
    CANCELLED = "cancelled"
    SURPRISE = "surprise"


# What is not there yet when a job begins: it waits, and that is no failure.
WAITED_FOR = frozenset(
    {
        Code.NO_SPACE,
        Code.SOURCE_EMPTY,
        Code.DESTINATION_MISSING,
        Code.DESTINATION_READ_ONLY,
        Code.NO_RECIPIENT,
        Code.RECIPIENT_MISSING,
        Code.RECIPIENT_EXPIRED,
        Code.RECIPIENT_UNUSABLE,
    }
)

# Nothing that goes by itself once a run that has an archive is sealed anew.
FOR_A_PERSON = frozenset({Code.SOURCE_LACKS, Code.DESTINATION_OCCUPIED})


class Trouble(Exception):
    """An expected failure: the work ends, what was half made goes.

    `next_step` is a sentence that tells a person what to do, `log_tail` what tar
    and gpg said last, if they ran.
    """

    log_tail = ""

    def __init__(self, code: Code, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.next_step = next_step


class ArchiveNotFound(NotFound):
    code = "archive_not_found"


class ManifestNotHere(DomainError):
    """The list of files lies on another host, or there is none."""

    code = "manifest_not_here"
    status = 409


class AmbiguousRun(DomainError):
    """Several archives have this name."""

    code = "ambiguous_run"
    status = 409


class SealingOff(DomainError):
    """The configuration names no destination or no recipient."""

    code = "sealing_off"
    status = 409


class RestoreRefused(DomainError):
    code: ClassVar[str] = "restore_refused"
    status = 400


class KeyUnusable(DomainError):
    """A secret key is not here, or does not open what was encrypted to it."""

    code = "key_unusable"
    status = 409
