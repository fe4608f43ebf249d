"""States of a run folder: words, labels, colours. Any may follow any other."""

from __future__ import annotations

from django.db.models import TextChoices


class Platform(TextChoices):
    """Whose instruments write the folder."""

    ILLUMINA = "illumina", "Illumina"
    ELEMENT = "element", "Element"
    ONT = "ont", "Oxford Nanopore"
    PACBIO = "pacbio", "PacBio"


class Sequencing(TextChoices):
    """Is it all there? Ours, read from the disk."""

    SEQUENCING = "sequencing", "sequencing"
    SETTLING = "settling", "settling"
    COMPLETE = "complete", "complete"
    FAILED = "failed", "failed"
    UNREADABLE = "unreadable", "unreadable"
    VANISHED = "vanished", "vanished"


class State(TextChoices):
    """What do API clients do with it? Arteria's words."""

    NONE = "none", "none"
    READY = "ready", "ready"
    PENDING = "pending", "pending"
    STARTED = "started", "started"
    DONE = "done", "done"
    ERROR = "error", "error"
    CANCELLED = "cancelled", "cancelled"


class Outcome(TextChoices):
    """How the sequencing ended, as the instrument says."""

    OK = "ok", "ok"
    ENDED_EARLY = "ended_early", "ended early"
    FAILED = "failed", "failed"
    UNKNOWN = "unknown", "unknown"


class RootStatus(TextChoices):
    AVAILABLE = "available", "available"
    MISSING = "missing", "missing"


# A folder that still changes: the scanner looks at it again every few seconds.
IN_FLIGHT = frozenset({Sequencing.SEQUENCING, Sequencing.SETTLING})

# Chip colours are unfold's label variants.
SEQUENCING_COLOURS: dict[str, str] = {
    Sequencing.SEQUENCING: "info",
    Sequencing.SETTLING: "info",
    Sequencing.COMPLETE: "success",
    Sequencing.FAILED: "danger",
    Sequencing.UNREADABLE: "warning",
    Sequencing.VANISHED: "default",
}
STATE_COLOURS: dict[str, str] = {
    State.NONE: "default",
    State.READY: "success",
    State.PENDING: "info",
    State.STARTED: "info",
    State.DONE: "success",
    State.ERROR: "danger",
    State.CANCELLED: "default",
}
OUTCOME_COLOURS: dict[str, str] = {
    Outcome.OK: "success",
    Outcome.ENDED_EARLY: "warning",
    Outcome.FAILED: "danger",
    Outcome.UNKNOWN: "default",
}

# Material Symbols names (unfold ships the font).
SEQUENCING_ICONS: dict[str, str] = {
    Sequencing.SEQUENCING: "sync",
    Sequencing.SETTLING: "hourglass_top",
    Sequencing.COMPLETE: "check_circle",
    Sequencing.FAILED: "error",
    Sequencing.UNREADABLE: "help",
    Sequencing.VANISHED: "visibility_off",
}
STATE_ICONS: dict[str, str] = {
    State.NONE: "radio_button_unchecked",
    State.READY: "play_circle",
    State.PENDING: "schedule",
    State.STARTED: "sync",
    State.DONE: "check_circle",
    State.ERROR: "error",
    State.CANCELLED: "cancel",
}

# The plain sentence behind a chip.
SEQUENCING_GLOSSARY: dict[str, str] = {
    Sequencing.SEQUENCING: "The instrument is still writing this run.",
    Sequencing.SETTLING: "Sequencing has ended; the last files are being copied, "
    "or the grace time runs.",
    Sequencing.COMPLETE: "Everything that the instrument writes is here.",
    Sequencing.FAILED: "The instrument reported that the run failed.",
    Sequencing.UNREADABLE: "The folder can't be read at the moment; "
    "it is tried again at every scan.",
    Sequencing.VANISHED: "The folder is no longer on disk, or no longer where "
    "the configuration looks; its root is there.",
}
STATE_GLOSSARY: dict[str, str] = {
    State.NONE: "Not offered to API clients yet.",
    State.READY: "Waiting to be picked up by an API client.",
    State.PENDING: "Picked up by an API client.",
    State.STARTED: "An API client works on it.",
    State.DONE: "An API client has finished with it.",
    State.ERROR: "An API client reported an error.",
    State.CANCELLED: "An API client gave it up.",
}
