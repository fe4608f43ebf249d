"""States of a run as chips."""

from __future__ import annotations

from runfolders.choices import (
    OUTCOME_COLOURS,
    SEQUENCING_COLOURS,
    SEQUENCING_GLOSSARY,
    SEQUENCING_ICONS,
    STATE_COLOURS,
    STATE_GLOSSARY,
    STATE_ICONS,
    Outcome,
    RootStatus,
    Sequencing,
    State,
)
from runfolders.models import Hold, Root, Runfolder
from seqhub.lib.markup import Chip

HELD = Chip(
    "on hold", "warning", "pause_circle", "Nothing automatic happens to this run."
)
IGNORED = Chip(
    "ignored", "default", "visibility_off", "Out of lists and of the API's answers."
)


def sequencing_chip(run: Runfolder) -> Chip:
    """Is it all there? A stall and a person's word are said with it."""
    word = Sequencing(run.sequencing).label
    title = SEQUENCING_GLOSSARY[run.sequencing]
    if run.stalled_at and run.sequencing in (
        Sequencing.SEQUENCING,
        Sequencing.SETTLING,
    ):
        return Chip(
            f"{word}, stalled",
            "warning",
            "running_with_errors",
            "Nothing new has come for longer than usual.",
            run.stalled_at,
        )
    if run.is_overridden:
        return Chip(
            f"{word}, by hand",
            SEQUENCING_COLOURS[run.sequencing],
            "front_hand",
            f"A person says so; on disk it is {run.sequencing_on_disk}.",
            run.sequencing_since,
        )
    return Chip(
        word,
        SEQUENCING_COLOURS[run.sequencing],
        SEQUENCING_ICONS[run.sequencing],
        title,
        run.sequencing_since,
    )


def state_chip(run: Runfolder) -> Chip:
    """What API clients do with it."""
    word = State(run.state).label
    return Chip(
        "not offered" if run.state == State.NONE else word,
        STATE_COLOURS[run.state],
        STATE_ICONS[run.state],
        STATE_GLOSSARY[run.state],
        run.state_since,
    )


def early_chips(run: Runfolder) -> list[Chip]:
    """A word beside "complete" for a run that has fewer cycles than planned."""
    chip = outcome_chip(run) if run.outcome == Outcome.ENDED_EARLY else None
    return [chip] if chip else []


def outcome_chip(run: Runfolder) -> Chip | None:
    """How it ended, where that is worth a word."""
    if run.outcome in (Outcome.OK, Outcome.UNKNOWN):
        return None
    return Chip(
        Outcome(run.outcome).label,
        OUTCOME_COLOURS[run.outcome],
        "flag",
        run.outcome_message or "As the instrument reports.",
    )


def hold_chip(hold: Hold) -> Chip:
    title = f"{hold.reason} ({hold.held_by})" if hold.held_by else hold.reason
    return Chip(HELD.word, HELD.colour, HELD.icon, title, hold.held_at)


def root_chip(root: Root) -> Chip:
    if root.status == RootStatus.MISSING:
        return Chip(
            "missing",
            "danger",
            "link_off",
            root.message or "The directory is not there; is the disk mounted?",
            root.status_since,
        )
    return Chip(
        "available",
        "success",
        "check_circle",
        "The directory can be read.",
        root.status_since,
    )
