from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from pytest_django import Settings

from archiving.choices import CheckState, Depth, Status, Verified
from archiving.conf import ArchivingSection
from archiving.models import ArchiveJob, Verification
from archiving.services.reverification import make_due
from tests.archiving.factories import ArchiveJobFactory, VerificationFactory
from tests.factories import HOST

pytestmark = pytest.mark.django_db
DAYS = 10


@pytest.fixture(autouse=True)
def _period(settings: Settings) -> None:
    set_period(settings, DAYS)


def set_period(settings: Settings, days: float) -> None:
    section = ArchivingSection(reverify_days=days)
    settings.CONFIG = settings.CONFIG.model_copy(update={"archiving": section})


def ago(days: float) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


def add(days: float, **values: object) -> ArchiveJob:
    """An archive that was read so many days ago."""
    return ArchiveJobFactory.create(sealed=True, verified_at=ago(days), **values)


def asked() -> list[ArchiveJob]:
    rows = Verification.objects.filter(state=CheckState.REQUESTED).order_by("pk")
    return [row.job for row in rows.select_related("job")]


def test_what_is_due_is_asked_for_once() -> None:
    job = add(DAYS + 1)
    assert (make_due(HOST), make_due(HOST)) == (1, 0)
    row = Verification.objects.get()
    assert (row.job, row.requested_by, row.depth) == (job, "", Depth.FULL)


def test_what_was_read_lately_is_left_alone() -> None:
    add(DAYS / 2 - 1)
    assert make_due(HOST) == 0


def test_the_load_is_spread_over_the_days() -> None:
    """A burst of archives becomes due over half of the period, oldest first."""
    archives = [add(DAYS - 2 - number / 100) for number in range(15)]
    assert make_due(HOST) == 2  # ceil(15 / 10) a day
    assert asked() == [archives[0], archives[1]]
    assert make_due(HOST) == 0
    Verification.objects.update(requested_at=ago(1.1))
    assert make_due(HOST) == 2


def test_what_is_overdue_waits_for_no_share() -> None:
    archives = [add(DAYS + 1) for _ in range(15)]
    assert make_due(HOST) == len(archives)


def test_archives_that_nobody_has_read_are_due() -> None:
    job = add(0)
    ArchiveJob.objects.update(verified_at=None, verification=Verified.NONE)
    make_due(HOST)
    assert asked() == [job]


@pytest.mark.parametrize(
    "values",
    [
        {"host": "elsewhere"},
        {"is_here": False},
        {"status": Status.PROCESSING},
    ],
    ids=["on another host", "elsewhere only", "being sealed anew"],
)
def test_what_can_not_be_read_here_is_not_asked_for(values: dict[str, object]) -> None:
    add(DAYS + 1, **values)
    assert make_due(HOST) == 0


@pytest.mark.parametrize(
    "values",
    [{"status": Status.PENDING}, {"ignored_at": timezone.now()}],
    ids=["waits to be sealed anew", "ignored"],
)
def test_an_archive_that_may_be_the_last_copy_is_read(
    values: dict[str, object],
) -> None:
    job = add(DAYS + 1, **values)
    make_due(HOST)
    assert asked() == [job]


@pytest.mark.parametrize(
    ("state", "depth", "days", "count"),
    [
        (CheckState.DAMAGED, Depth.FULL, 1, 0),  # read, whatever came out
        (CheckState.OK, Depth.BYTES, 1, 0),
        (CheckState.OK, Depth.DRILL, 1, 1),  # a file of it
        (CheckState.CANCELLED, Depth.FULL, 1, 1),
        (CheckState.FAILED, Depth.FULL, 0.5, 0),  # tried again the next day
        (CheckState.FAILED, Depth.FULL, 1.5, 1),
    ],
)
def test_the_last_look_decides(
    state: CheckState, depth: Depth, days: float, count: int
) -> None:
    job = add(DAYS + 1)
    at = ago(days)
    VerificationFactory.create(
        job=job, state=state, depth=depth, requested_at=at, ended_at=at
    )
    assert make_due(HOST) == count


def test_it_can_be_switched_off(settings: Settings) -> None:
    set_period(settings, 0)
    add(10_000)
    assert make_due(HOST) == 0
