"""States of archives, their verification, copies and restores."""

from __future__ import annotations

from django.db.models import TextChoices


class Status(TextChoices):
    """Of a job; the old service's words."""

    PENDING = "pending", "pending"
    PROCESSING = "processing", "processing"
    ENCRYPTED = "encrypted", "encrypted"
    FAILED = "failed", "failed"


class Verified(TextChoices):
    """What the last look at an archive said."""

    NONE = "none", "not verified"
    VERIFIED = "verified", "verified"
    DAMAGED = "damaged", "damaged"


class Stage(TextChoices):
    """What a running attempt is at."""

    CHECKING = "checking", "checking keys and space"
    SURVEYING = "surveying", "looking through the run"
    SEALING = "sealing", "sealing"
    SYNCING = "syncing", "writing to disk"
    WRAPPING = "wrapping", "wrapping the key"
    VERIFYING = "verifying", "reading it back"
    COMPARING = "comparing", "comparing"
    WRITING = "writing", "writing files"  # of a restore
    PUBLISHING = "publishing", "publishing"


class Outcome(TextChoices):
    """How an attempt ended."""

    RUNNING = "running", "running"
    SEALED = "sealed", "sealed and verified"
    WAITING = "waiting", "waits"  # for space or a key; counts as no failure
    FAILED = "failed", "failed"
    ERRORED = "errored", "unexpected error"
    CANCELLED = "cancelled", "cancelled"
    LOST = "lost", "worker lost"


class Depth(TextChoices):
    """How deep a verification looks."""

    SEAL = "seal", "at sealing"  # decrypted, each file against what was read
    FULL = "full", "each file"  # decrypted, each file against the manifest
    BYTES = "bytes", "bytes"  # the archive's own digest
    DRILL = "drill", "restore drill"  # one file restored


class CheckState(TextChoices):
    """Of a verification."""

    REQUESTED = "requested", "requested"
    RUNNING = "running", "running"
    OK = "ok", "as sealed"
    DAMAGED = "damaged", "damaged"
    FAILED = "failed", "could not be done"
    CANCELLED = "cancelled", "cancelled"


class RestoreState(TextChoices):
    REQUESTED = "requested", "requested"
    RUNNING = "running", "running"
    AVAILABLE = "available", "available"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"
    EXPIRED = "expired", "expired"


class CopyState(TextChoices):
    QUEUED = "queued", "queued"
    SENDING = "sending", "sending"
    STORED = "stored", "stored"
    VERIFIED = "verified", "verified"
    FAILED = "failed", "failed"


class Origin(TextChoices):
    """Who made the archive."""

    SEALED = "sealed", "sealed here"
    ADOPTED = "adopted", "adopted"  # made by dataflow_archive


# From -> to. A sealed archive that is sealed anew passes through pending again.
TRANSITIONS: dict[str, frozenset[str]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.FAILED, Status.ENCRYPTED}),
    Status.PROCESSING: frozenset({Status.PENDING, Status.FAILED, Status.ENCRYPTED}),
    Status.ENCRYPTED: frozenset({Status.PENDING}),
    Status.FAILED: frozenset({Status.PENDING, Status.ENCRYPTED}),
}

# Chip colours are unfold's label variants, icons Material Symbols.
STATUS_COLOURS: dict[str, str] = {
    Status.PENDING: "default",
    Status.PROCESSING: "info",
    Status.ENCRYPTED: "success",
    Status.FAILED: "danger",
}
STATUS_ICONS: dict[str, str] = {
    Status.PENDING: "schedule",
    Status.PROCESSING: "sync",
    Status.ENCRYPTED: "lock",
    Status.FAILED: "error",
}
STATUS_GLOSSARY: dict[str, str] = {
    Status.PENDING: "Waits to be sealed.",
    Status.PROCESSING: "Is being sealed and read back.",
    Status.ENCRYPTED: "There is an archive; whether it was read back, its "
    "verification says.",
    Status.FAILED: "Could not be sealed; a person must look at it.",
}
VERIFIED_COLOURS: dict[str, str] = {
    Verified.NONE: "default",
    Verified.VERIFIED: "success",
    Verified.DAMAGED: "danger",
}
VERIFIED_ICONS: dict[str, str] = {
    Verified.NONE: "help",
    Verified.VERIFIED: "verified",
    Verified.DAMAGED: "gpp_bad",
}
VERIFIED_GLOSSARY: dict[str, str] = {
    Verified.NONE: "Not read back yet.",
    Verified.VERIFIED: "The last time it was read, it was as sealed.",
    Verified.DAMAGED: "The last time it was read, it was not as sealed.",
}
RESTORE_COLOURS: dict[str, str] = {
    RestoreState.REQUESTED: "default",
    RestoreState.RUNNING: "info",
    RestoreState.AVAILABLE: "success",
    RestoreState.FAILED: "danger",
    RestoreState.CANCELLED: "default",
    RestoreState.EXPIRED: "default",
}
RESTORE_ICONS: dict[str, str] = {
    RestoreState.REQUESTED: "schedule",
    RestoreState.RUNNING: "sync",
    RestoreState.AVAILABLE: "folder_open",
    RestoreState.FAILED: "error",
    RestoreState.CANCELLED: "cancel",
    RestoreState.EXPIRED: "auto_delete",
}
RESTORE_GLOSSARY: dict[str, str] = {
    RestoreState.REQUESTED: "Waits for a free worker.",
    RestoreState.RUNNING: "Is being decrypted and written.",
    RestoreState.AVAILABLE: "Restored, each file found as it was sealed.",
    RestoreState.FAILED: "Could not be restored.",
    RestoreState.CANCELLED: "Given up by a person; nothing is left of it.",
    RestoreState.EXPIRED: "The restored files were removed.",
}
CHECK_COLOURS: dict[str, str] = {
    CheckState.REQUESTED: "default",
    CheckState.RUNNING: "info",
    CheckState.OK: "success",
    CheckState.DAMAGED: "danger",
    CheckState.FAILED: "warning",
    CheckState.CANCELLED: "default",
}
CHECK_ICONS: dict[str, str] = {
    CheckState.REQUESTED: "schedule",
    CheckState.RUNNING: "sync",
    CheckState.OK: "verified",
    CheckState.DAMAGED: "gpp_bad",
    CheckState.FAILED: "help",
    CheckState.CANCELLED: "cancel",
}
CHECK_GLOSSARY: dict[str, str] = {
    CheckState.REQUESTED: "Waits for a free worker.",
    CheckState.RUNNING: "The archive is being read.",
    CheckState.OK: "Everything that was looked at is as sealed.",
    CheckState.DAMAGED: "Something is not as sealed.",
    CheckState.FAILED: "The archive could not be looked at; this says nothing of it.",
    CheckState.CANCELLED: "Stopped before its end.",
}
COPY_COLOURS: dict[str, str] = {
    CopyState.QUEUED: "default",
    CopyState.SENDING: "info",
    CopyState.STORED: "success",
    CopyState.VERIFIED: "success",
    CopyState.FAILED: "danger",
}
COPY_ICONS: dict[str, str] = {
    CopyState.QUEUED: "schedule",
    CopyState.SENDING: "sync",
    CopyState.STORED: "cloud_done",
    CopyState.VERIFIED: "verified",
    CopyState.FAILED: "error",
}
COPY_GLOSSARY: dict[str, str] = {
    CopyState.QUEUED: "Waits to be sent.",
    CopyState.SENDING: "Is being sent.",
    CopyState.STORED: "Was sent; nobody has read it back.",
    CopyState.VERIFIED: "Was read back there and found as sealed.",
    CopyState.FAILED: "Could not be sent.",
}
OUTCOME_COLOURS: dict[str, str] = {
    Outcome.RUNNING: "info",
    Outcome.SEALED: "success",
    Outcome.WAITING: "warning",
    Outcome.FAILED: "danger",
    Outcome.ERRORED: "danger",
    Outcome.CANCELLED: "default",
    Outcome.LOST: "warning",
}
OUTCOME_ICONS: dict[str, str] = {
    Outcome.RUNNING: "sync",
    Outcome.SEALED: "verified",
    Outcome.WAITING: "hourglass_top",
    Outcome.FAILED: "error",
    Outcome.ERRORED: "bug_report",
    Outcome.CANCELLED: "cancel",
    Outcome.LOST: "heart_broken",
}
OUTCOME_GLOSSARY: dict[str, str] = {
    Outcome.RUNNING: "Goes on now.",
    Outcome.SEALED: "The archive was made, read back and published.",
    Outcome.WAITING: "Something was missing; it is tried again and is no failure.",
    Outcome.FAILED: "It ended for a known cause, and nothing is left of it.",
    Outcome.ERRORED: "It ended for a cause that nobody foresaw.",
    Outcome.CANCELLED: "It was stopped, and nothing is left of it.",
    Outcome.LOST: "Its worker died or fell silent; what it left was removed.",
}
