"""What launches hold is measured; the tick that does so, and clears."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from tests.factories import HOST
from tests.turret.factories import LaunchFactory
from tests.turret.launching.ended import resumed, worked
from tests.turret.launching.site import Site, files
from turret.choices import LaunchState
from turret.models import Launch
from turret.services.launching import locks, tidying
from turret.services.launching.tidying import settle, tidy, time_for_work

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_launches_hold_is_measured_once_they_have_ended(site: Site) -> None:
    ended, running = worked(site), worked(site, state=LaunchState.RUNNING)
    never_began = LaunchFactory.create(
        host=HOST,
        state=LaunchState.CANCELLED,
        started_at=None,
        directory=str(site.launches / "none"),
    )
    elsewhere = LaunchFactory.create(host="other", state=LaunchState.SUCCEEDED)
    tidy(HOST)
    rows = Launch.objects.in_bulk()
    assert rows[ended.pk].size_bytes == 4000
    assert rows[never_began.pk].size_bytes == 0
    assert rows[running.pk].size_bytes is None
    assert rows[elsewhere.pk].size_bytes is None


def test_a_disk_that_is_away_holds_not_nothing(site: Site) -> None:
    launch = worked(site)
    site.launches.rename(site.directory / "away")
    site.launches.mkdir()
    tidy(HOST)
    launch.refresh_from_db()
    assert launch.size_bytes is None


def test_what_is_gone_on_with_is_measured_anew_at_its_end(site: Site) -> None:
    first = worked(site)
    tidy(HOST)
    second = resumed(site, first)
    first.refresh_from_db()
    assert first.size_bytes is None
    tidy(HOST)
    first.refresh_from_db()
    assert first.size_bytes is None
    Launch.objects.filter(pk=second.pk).update(state=LaunchState.FAILED)
    (Path(first.work_dir) / "more").write_bytes(b"x" * 500)
    tidy(HOST)
    assert Launch.objects.get(pk=first.pk).size_bytes == 4500


def test_a_measurement_takes_several_ticks(site: Site) -> None:
    launch = worked(site)
    looks = iter([False, False, False, True])
    assert not settle(launch.pk, lambda: next(looks))
    assert files(launch).measuring.exists()
    assert settle(launch.pk, time_for_work())
    assert not files(launch).measuring.exists()
    assert Launch.objects.get(pk=launch.pk).size_bytes == 4000


def test_one_process_a_host_does_it(site: Site) -> None:
    launch = worked(site)
    done = threading.Event()

    def hold() -> None:
        try:
            with locks.exclusive(locks.TIDY, HOST) as is_mine:
                assert is_mine
                held.set()
                done.wait(60)
        finally:
            connection.close()

    held = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    tidy(HOST)
    done.set()
    thread.join(30)
    assert Launch.objects.get(pk=launch.pk).size_bytes is None


def test_the_rest_is_rung_for_when_the_time_is_over(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tidying, "ring_to_tidy", rung.append)
    worked(site)
    monkeypatch.setattr(tidying, "WORK_S", 0)
    tidy(HOST)
    assert rung == [HOST]
    monkeypatch.undo()
    monkeypatch.setattr(tidying, "ring_to_tidy", rung.append)
    tidy(HOST)
    assert rung == [HOST]


def test_one_that_takes_all_the_time_leaves_the_others_their_turn(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = worked(site, days=1), worked(site, days=2)
    Launch.objects.filter(pk=slow.pk).update(cleared_at=slow.finished_at)
    real = tidying.settle

    def settle(pk: int, is_over: Callable[[], bool]) -> bool:
        return pk != slow.pk and real(pk, is_over)

    monkeypatch.setattr(tidying, "settle", settle)
    monkeypatch.setattr(tidying, "ring_to_tidy", str)
    for _ in range(40):
        tidy(HOST)
    assert Launch.objects.get(pk=quick.pk).size_bytes == 4000


def test_trouble_with_one_is_none_of_the_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a kind that nobody has thought of."""
    bad, good = worked(site, days=1), worked(site, days=2)
    real = tidying.settle

    def settle(pk: int, is_over: Callable[[], bool]) -> bool:
        if pk == bad.pk:
            raise ZeroDivisionError
        return real(pk, is_over)

    monkeypatch.setattr(tidying, "settle", settle)
    tidy(HOST)
    assert Launch.objects.get(pk=bad.pk).size_bytes is None
    assert Launch.objects.get(pk=good.pk).size_bytes == 4000
