"""What a verification finds wrong, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Kept in rows and answers."""

    ARCHIVE_MISSING = "archive_missing"
    ARCHIVE_SIZE = "archive_size"  # cut or appended to
    ARCHIVE_DIGEST = "archive_digest"
    ARCHIVE_UNREADABLE = "archive_unreadable"
    DECRYPTION_FAILED = "decryption_failed"  # also gpg's own integrity check
    KEY_MISSING = "key_missing"
    KEY_DIFFERS = "key_differs"
    WRONG_KEY = "wrong_key"
    WEAK_KEY = "weak_key"
    MANIFEST_MISSING = "manifest_missing"
    MANIFEST_DIFFERS = "manifest_differs"
    MEMBER_MISSING = "member_missing"
    MEMBER_EXTRA = "member_extra"
    MEMBER_DIFFERS = "member_differs"
    TAR_DAMAGED = "tar_damaged"
    SOURCE_MISSING = "source_missing"
    SOURCE_CHANGED = "source_changed"
    SOURCE_EXTRA = "source_extra"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as sealed."""

    fault: Fault
    message: str  # a sentence for people
    name: str = ""  # the member, as members.shown() writes it
