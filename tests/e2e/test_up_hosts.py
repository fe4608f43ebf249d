"""Two hosts on one database."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seqhub.postgres import EmbeddedPostgres
from tests.directories import open_directory
from tests.e2e.sites import Site, end, eventually

pytestmark = pytest.mark.slow

SCHEDULES = 20


@pytest.fixture
def directory() -> Iterator[Path]:
    with open_directory() as directory:
        yield directory


def test_two_hosts_share_the_work_and_double_nothing(directory: Path) -> None:
    database = EmbeddedPostgres(directory / "database")
    database.create()
    with database.use():
        sites = [
            Site(directory / host, host=host, database_url=database.url)
            for host in ("north", "south")
        ]
        (sites[1].data_dir).mkdir()
        try:
            sites[0].data_dir.mkdir()
            for site in sites:
                (site.data_dir / "secret-key").write_text("one key for both hosts")
            # At once: one migrates, the other waits.
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(Site.start, sites))
            for site in sites:
                site.see_work(f"local-{site.host}")
                site.see_work(f"long-{site.host}")
            _fire_schedules_once(sites[0])
        finally:
            for site in sites:
                end(site)


def _fire_schedules_once(site: Site) -> None:
    """Schedules that are due on both hosts' default clusters at once."""
    proofs = [site.directory / f"proof-{number}" for number in range(SCHEDULES)]
    for proof in proofs:
        # A second mkdir of one name would be a failed task.
        site.query(
            "INSERT INTO django_q_schedule"
            " (name, func, args, schedule_type, repeats, next_run, cluster)"
            " VALUES (%s, 'os.mkdir', %s, 'O', 1, now(), 'default')",
            proof.name,
            repr((str(proof),)),
        )
    eventually(lambda: all(proof.exists() for proof in proofs), "the schedules")
    ran = (
        "SELECT success, count(*) FROM django_q_task"
        " WHERE \"group\" LIKE 'proof-%%' GROUP BY success"
    )
    eventually(lambda: site.query(ran) == [(True, SCHEDULES)], "one run of each")
    hosts = "SELECT DISTINCT split_part(name, '@', 2) FROM django_q_schedule"
    assert {("north",), ("south",)} <= set(site.query(hosts))
