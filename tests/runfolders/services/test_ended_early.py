"""Runs of whose end the instrument says nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from runfolders.choices import Outcome, Sequencing, State
from tests.runfolders.runs import age, make_run, set_cycles_done
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def test_cycles_tell_that_a_run_ended_early_where_nothing_else_does(
    root: Path,
) -> None:
    folder = make_run(root, markers=BOTH)
    set_cycles_done(folder, 20)
    age(folder)
    scan()
    row = row_of(folder)
    assert (row.sequencing, row.outcome) == (Sequencing.COMPLETE, Outcome.ENDED_EARLY)
    assert row.outcome_message == "20 of 46 cycles are there"
    assert row.state == State.READY


def test_cycles_that_are_copied_last_are_still_seen(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    (folder / "InterOp").mkdir()
    set_cycles_done(folder, 20)
    age(folder)
    scan()
    scan()
    set_cycles_done(folder, 46)
    scan()
    assert (row_of(folder).cycles_done, row_of(folder).outcome) == (46, "unknown")


def test_a_run_that_shows_no_cycles_did_not_end_early(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    assert row_of(folder).outcome == Outcome.UNKNOWN


def test_a_run_that_is_not_complete_did_not_end_early(root: Path) -> None:
    folder = make_run(root)
    set_cycles_done(folder, 20)
    scan()
    assert row_of(folder).outcome == Outcome.UNKNOWN
