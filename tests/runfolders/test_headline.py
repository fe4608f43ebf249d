from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from runfolders.models import Hold, Root, Runfolder
from runfolders.panels.headline import headline

NOW = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)


def ago(minutes: float) -> dt.datetime:
    return NOW - dt.timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {
                "sequencing": "sequencing",
                "cycles_done": 87,
                "total_cycles": 318,
                "progress_at": ago(4),
            },
            "Sequencing at cycle 87 of 318; the last new cycle came 4 min ago.",
        ),
        (
            {"sequencing": "sequencing", "sequencing_reason": "no marker yet"},
            "Sequencing for 1 h: no marker yet.",
        ),
        (
            {
                "sequencing": "sequencing",
                "cycles_done": 87,
                "total_cycles": 318,
                "progress_at": ago(14 * 60),
                "stalled_at": ago(60),
            },
            (
                "Stalled at cycle 87 of 318: nothing new for 14 h. "
                "Look at the instrument, or mark the run as failed."
            ),
        ),
        (
            {
                "sequencing": "settling",
                "sequencing_reason": "waiting for CopyComplete.txt",
            },
            "Waiting for CopyComplete.txt. Settling for 1 h.",
        ),
        (
            {
                "sequencing": "settling",
                "sequencing_reason": "grace time",
                "due_at": ago(-5),
            },
            "Grace time. Settling for 1 h; 5 min to go.",
        ),
        (
            {"sequencing": "complete", "state": "ready", "outcome": "ended_early"},
            (
                "Complete. Waiting to be picked up by an API client, for 30 min. "
                "The sequencing ended early."
            ),
        ),
        (
            {"sequencing": "complete", "state": "done"},
            "Done: an API client has finished with it, 30 min ago.",
        ),
        (
            {"sequencing": "failed", "outcome_message": "RunErrored"},
            "Failed 1 h ago: RunErrored.",
        ),
        (
            {"sequencing": "unreadable", "sequencing_reason": "RunInfo.xml is empty."},
            "Can't be read for 1 h: RunInfo.xml is empty.",
        ),
        (
            {"sequencing": "vanished", "vanished_at": ago(180)},
            "No longer on disk for 3 h, though its root is there.",
        ),
        (
            {"sequencing": "complete", "ignored_at": ago(60)},
            "Ignored for 1 h: hidden from lists and from the API.",
        ),
    ],
)
def test_the_headline_says_what_the_run_waits_for(
    fields: dict[str, Any], words: str
) -> None:
    defaults = {"root": Root(), "sequencing_since": ago(60), "state_since": ago(30)}
    run = Runfolder(**{**defaults, **fields})
    assert headline(run, NOW) == words


def test_the_headline_says_what_is_usual() -> None:
    run = Runfolder(
        root=Root(),
        sequencing="settling",
        sequencing_since=ago(41),
        sequencing_reason="waiting for CopyComplete.txt",
    )
    words = headline(run, NOW, usual_settling_s=(300, 1200))
    assert words == (
        "Waiting for CopyComplete.txt. Settling for 41 min; usually 5 min to 20 min."
    )


def test_a_hold_comes_first() -> None:
    run = Runfolder(
        root=Root(), sequencing="complete", state="ready", state_since=ago(30)
    )
    hold = Hold(reason="New index plate.", held_at=ago(120))
    assert headline(run, NOW, hold=hold) == "On hold for 2 h: New index plate."


@pytest.mark.parametrize("sequencing", ["sequencing", "complete", "vanished"])
def test_a_missing_root_is_said_before_what_was_known_last(sequencing: str) -> None:
    root = Root(path="/data/x", status="missing", status_since=ago(180))
    run = Runfolder(
        root=root, sequencing=sequencing, sequencing_since=ago(400), state="ready"
    )
    hold = Hold(reason="New index plate.", held_at=ago(120))
    assert headline(run, NOW, hold=hold) == (
        "Its directory /data/x has been missing for 3 h; "
        "nothing new is known of the run until it is back."
    )
