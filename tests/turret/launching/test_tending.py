"""Looking after a host's launches: doorbells, the tick that stays, many at once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from runfolders.services.locks import second_key
from seqhub.lib import drain
from seqhub.lib.processes import ProcessId
from tests.factories import HOST
from tests.turret.factories import LaunchFactory
from tests.turret.launching.site import ACTOR, Site, files, state_of
from turret.choices import LaunchState
from turret.models import Launch
from turret.services.launching import locks, watching
from turret.services.launching.cancelling import cancel
from turret.services.launching.watching import Watch
from turret.tasks import tend_launches

pytestmark = pytest.mark.django_db(transaction=True)


def rung() -> list[tuple[str, str]]:
    return [
        (row.key, SignedPackage.loads(row.payload)["func"])
        for row in OrmQ.objects.all()
    ]


def test_to_submit_and_to_cancel_rings_its_host(site: Site) -> None:
    launch = site.submit(params={"sleep": 600, "exit": 0})
    bell = (f"local-{HOST}", "turret.tasks.tend_launches")
    assert rung() == [bell]
    Watch(HOST).look()
    cancel(launch.pk, actor=ACTOR)
    assert rung() == [bell] * 2


def test_the_tick_stays_until_all_have_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY_S", 0.1)
    launch = site.submit(params={"sleep": 1, "exit": 0})
    tend_launches(HOST)
    assert state_of(launch) == LaunchState.SUCCEEDED


def test_one_process_stays_and_the_others_only_look(site: Site) -> None:
    launch = site.submit(params={"sleep": 600, "exit": 0})
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            key = [locks.STAY, second_key(HOST)]
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
        tend_launches(HOST)
    finally:
        other.close()
    assert state_of(launch) == LaunchState.RUNNING


def test_it_leaves_when_the_cluster_stops(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "is_asked", lambda: True)
    launch = site.submit(params={"sleep": 600, "exit": 0})
    tend_launches(HOST)
    assert state_of(launch) == LaunchState.RUNNING


def test_other_hosts_launches_are_theirs(site: Site) -> None:
    launch = LaunchFactory.create(host="other", state=LaunchState.PENDING)
    tend_launches(HOST)
    assert state_of(launch) == LaunchState.PENDING


def running(site: Site, number: int) -> list[Launch]:
    """So many that run, as this very process."""
    me = ProcessId.current()
    made = []
    for _ in range(number):
        launch = LaunchFactory.create(
            host=HOST, pid=me.pid, start_ticks=me.start_ticks, boot_id=me.boot
        )
        launch.directory = str(site.launches / launch.launch_id)
        launch.save()
        files(launch).claim.mkdir(parents=True)
        files(launch).output.write_text("log\n")
        made.append(launch)
    return made


def test_to_look_at_many_takes_as_many_queries_as_at_few(site: Site) -> None:
    running(site, 2)
    watch = Watch(HOST)
    watch.look()
    with CaptureQueriesContext(connection) as few:
        watch.look()
    running(site, 8)
    watch.look()
    with CaptureQueriesContext(connection) as many:
        watch.look()
    assert len(many) == len(few)
    assert set(Launch.objects.values_list("state", flat=True)) == {"running"}
