"""A run that changes while it is sealed is no archive, and is tried again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archiving.choices import Outcome, Stage
from archiving.errors import Code
from tests.archiving.safety.ground import OLD, Ground
from tests.archiving.safety.worker import SEALING_HALF

pytestmark = pytest.mark.django_db(transaction=True)


def grow(run: Path) -> None:
    with (run / "Data" / "big.bcl").open("ab") as file:
        file.write(b"more")


def replace_by_same_size(run: Path) -> None:
    """As a copy does that keeps the time; to the second it is another one."""
    file = run / "Data" / "last.bcl"
    new = file.with_name("new")
    new.write_bytes(b"tsal" * 100)
    os.utime(new, (OLD + 1, OLD + 1))
    new.replace(file)


def point_elsewhere(run: Path) -> None:
    (run / "link").unlink()
    (run / "link").symlink_to("elsewhere")


CHANGES: dict[str, Callable[[Path], object]] = {
    "grows": grow,
    "shrinks": lambda run: os.truncate(run / "Data" / "big.bcl", 100),
    "is replaced": replace_by_same_size,
    "is added": lambda run: (run / "Data" / "new").write_bytes(b"new"),
    "is removed": lambda run: (run / "Data" / "last.bcl").unlink(),
    "is renamed": lambda run: (run / "Late").rename(run / "Later"),
    "has another mode": lambda run: (run / "Data" / "big.bcl").chmod(0o604),
    "points elsewhere": point_elsewhere,
}


@pytest.mark.parametrize("point", [SEALING_HALF, Stage.VERIFYING])
@pytest.mark.parametrize("change", CHANGES)
def test_a_run_in_which_something_changes_is_sealed_later(
    ground: Ground, change: str, point: str
) -> None:
    run = ground.add_big_run()
    (run / "link").symlink_to("RunInfo.xml")
    job = ground.add_job(run)
    attempt = ground.seal(job, point, lambda: CHANGES[change](run))
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_CHANGED)
    assert "Nothing may write into it" in job.next_step
    assert job.failure_count == 1
    ground.check_tried_again(job, run)


@pytest.mark.parametrize("point", [SEALING_HALF, Stage.VERIFYING, Stage.COMPARING])
def test_a_run_that_goes_away_is_sealed_once_it_is_back(
    ground: Ground, point: str
) -> None:
    run = ground.add_big_run()
    away = run.with_name("away")
    job = ground.add_job(run)
    attempt = ground.seal(job, point, lambda: run.rename(away))
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_MISSING)
    away.rename(run)
    ground.check_tried_again(job, run)
