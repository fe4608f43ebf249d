"""Runs whose cycles tell how they ended, as the instrument does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from runfolders.choices import Outcome, Sequencing, State
from runfolders.engine.simulator.plan import EndsAs, Plan
from runfolders.engine.simulator.run import simulate
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


@pytest.mark.parametrize(
    ("instrument", "word"),
    [
        ("nextseq2000", "RunCompleted"),
        ("novaseqx", "RunCompleted"),
        ("element", "OutcomeCompleted"),
    ],
)
@pytest.mark.parametrize(
    ("ends_as", "outcome", "cycles"),
    [
        (EndsAs.EARLY, Outcome.ENDED_EARLY, "; 12 of 20 cycles are there"),
        (EndsAs.OK, Outcome.OK, ""),
    ],
)
def test_an_instrument_without_a_word_for_an_early_end_is_not_taken_at_its_word(
    root: Path, instrument: str, word: str, ends_as: EndsAs, outcome: str, cycles: str
) -> None:
    plan = Plan(root, instrument, timezone.now(), ends_as=ends_as, cycles=20)
    *_, last = simulate(plan, sleep=lambda _: None)
    folder = last.folder
    scan()
    scan(after_minutes=60)
    row = row_of(folder)
    assert (row.sequencing, row.outcome) == (Sequencing.COMPLETE, outcome)
    assert row.outcome_message == word + cycles


def test_a_lost_record_of_a_tile_is_no_early_end(root: Path) -> None:
    plan = Plan(root, "novaseqx", timezone.now(), cycles=20)
    *_, last = simulate(plan, sleep=lambda _: None)
    folder = last.folder
    metrics = folder / "InterOp" / "ExtractionMetricsOut.bin"
    metrics.write_bytes(metrics.read_bytes()[: -metrics.read_bytes()[1]])
    scan()
    scan(after_minutes=60)
    assert row_of(folder).outcome == Outcome.OK
