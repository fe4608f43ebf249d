from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable

import pytest
from django.db import InterfaceError, connection
from django.utils import timezone

from archiving.models import ArchiveJob
from seqhub.lib import lease
from seqhub.lib.lease import (
    RENEWALS,
    Keeper,
    Leased,
    LeaseLost,
    expired,
    expiry,
    holds,
    new_worker_id,
    renew,
)
from tests.archiving.factories import ArchiveJobFactory

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_S = 0.4
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def row() -> ArchiveJob:
    """A row that this process holds."""
    worker_id = new_worker_id("testhost")
    row = ArchiveJobFactory.create(worker_id=worker_id, attempt=1)
    ArchiveJob.objects.filter(pk=row.pk).update(lease_until=expiry(60))
    row.refresh_from_db()
    return row


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_two_workers_have_one_name() -> None:
    assert new_worker_id("a") != new_worker_id("a")


def test_a_lease_ends_by_the_clock_of_the_database(row: ArchiveJob) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now = cursor.fetchone()[0]
    assert row.lease_until is not None
    assert dt.timedelta(seconds=50) < row.lease_until - now < dt.timedelta(seconds=70)


def test_a_row_is_free_once_its_lease_is_over(row: ArchiveJob) -> None:
    rows = ArchiveJob.objects.filter(expired())
    assert not rows.exists()
    ArchiveJob.objects.update(lease_until=timezone.now() - HOUR)
    assert rows.get() == row
    ArchiveJob.objects.update(worker_id="")
    assert not rows.exists(), "nobody held it"


@pytest.mark.parametrize("change", [{"worker_id": "other"}, {"attempt": 2}])
def test_another_attempt_fences_the_old_one_out(
    row: ArchiveJob, change: dict[str, object]
) -> None:
    assert ArchiveJob.objects.filter(holds(row)).exists()
    ArchiveJob.objects.update(**change)
    assert not ArchiveJob.objects.filter(holds(row)).exists()
    before = ArchiveJob.objects.get().lease_until
    with pytest.raises(LeaseLost):
        renew(row, 3600)
    assert ArchiveJob.objects.get().lease_until == before


def test_a_lease_that_nobody_took_can_still_be_renewed(row: ArchiveJob) -> None:
    ArchiveJob.objects.update(lease_until=timezone.now() - HOUR)
    renew(row, 60)
    assert not ArchiveJob.objects.filter(expired()).exists()


def test_the_keeper_renews_while_the_work_goes_on(row: ArchiveJob) -> None:
    first = row.lease_until
    assert first is not None
    with Keeper(row, 3600 * RENEWALS) as keeper:
        assert not keeper.is_lost
    with Keeper(row, LEASE_S) as keeper:
        # The first renewal shortens what the fixture gave.
        wait_until(lambda: _lease_of(row) < first)
        second = _lease_of(row)
        wait_until(lambda: _lease_of(row) > second)
        keeper.check()


def test_the_keeper_says_when_the_row_is_lost(row: ArchiveJob) -> None:
    with Keeper(row, LEASE_S) as keeper:
        ArchiveJob.objects.update(attempt=2)
        wait_until(lambda: keeper.is_lost)
        with pytest.raises(LeaseLost):
            keeper.check()


def test_no_thread_and_no_connection_outlives_the_keeper(row: ArchiveJob) -> None:
    before = threading.active_count(), _connections()
    with Keeper(row, LEASE_S):
        time.sleep(LEASE_S)
    assert threading.active_count() == before[0]
    wait_until(lambda: _connections() == before[1])


def test_a_database_that_is_silent_for_a_lease_is_a_lost_one(row: ArchiveJob) -> None:
    # No such column: each renewal ends with an error of the database.
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE archiving_archivejob RENAME lease_until TO gone")
    try:
        with Keeper(row, LEASE_S) as keeper:
            wait_until(lambda: keeper.is_lost)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE archiving_archivejob RENAME gone TO lease_until"
            )


@pytest.mark.parametrize("error", [InterfaceError("gone"), OSError("anything")])
def test_no_error_ends_the_keeper_silently(
    row: ArchiveJob, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(row: Leased, lease_s: float) -> None:
        raise error

    # No server that can be had here breaks a connection in such ways at will.
    monkeypatch.setattr(lease, "renew", fail)
    with Keeper(row, LEASE_S) as keeper:
        wait_until(lambda: keeper.is_lost)


def test_a_short_break_of_the_connection_loses_nothing(
    row: ArchiveJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = iter([True, False, False])

    def renew_at_last(row: Leased, lease_s: float) -> None:
        if next(broken):
            raise InterfaceError("gone")
        renew(row, lease_s)

    monkeypatch.setattr(lease, "renew", renew_at_last)
    before = _lease_of(row)
    with Keeper(row, LEASE_S * 10) as keeper:
        wait_until(lambda: _lease_of(row) < before)
        assert not keeper.is_lost


def _lease_of(row: ArchiveJob) -> dt.datetime:
    lease_until = ArchiveJob.objects.get(pk=row.pk).lease_until
    assert lease_until is not None
    return lease_until


def _connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])
