"""kill -9 of every process of a running site, one after the other and all at once."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from tests.e2e.sites import Site, eventually, new_site

pytestmark = pytest.mark.slow

QUEUE = "default"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with new_site() as site:
        site.start()
        site.see_work(QUEUE)
        yield site


def _main(site: Site) -> psutil.Process:
    return psutil.Process(site.sessions()[QUEUE])


def _family(site: Site) -> list[psutil.Process]:
    """Its workers, then its monitor, then its pusher, as it starts them."""
    return sorted(_main(site).children(), key=lambda child: child.pid)


def _kill(process: psutil.Process) -> list[ProcessId]:
    """SIGKILL; returns the process and all its descendants of before."""
    family = [ProcessId.of(process.pid), *processes.descendants(process.pid)]
    process.kill()
    return family


def test_a_killed_web_server_comes_back(site: Site) -> None:
    family = _kill(psutil.Process(site.sessions()["web"]))
    eventually(lambda: not any(process.is_alive() for process in family), "its end")
    assert site.get("/readyz") == 200
    eventually(lambda: "web killed by SIGKILL" in str(site.event_messages()), "event")


def test_a_killed_cluster_comes_back(site: Site) -> None:
    family = _kill(_main(site))
    eventually(lambda: not any(process.is_alive() for process in family), "its end")
    site.see_work(QUEUE)
    eventually(lambda: "default killed by" in str(site.event_messages()), "event")


def test_a_killed_monitor_freezes_nothing(site: Site) -> None:
    main = ProcessId.of(_main(site).pid)
    _kill(_family(site)[-2])
    eventually(lambda: not main.is_alive(), "the end of a cluster that can't go on")
    told = "default ended with exit code 1"
    eventually(lambda: told in str(site.event_messages()), "the event")
    site.see_work(QUEUE)


def test_killed_idle_workers_freeze_nothing(site: Site) -> None:
    eventually(lambda: len(_family(site)) >= 4, "a whole cluster")
    main = ProcessId.of(_main(site).pid)
    for worker in _family(site)[:2]:
        worker.kill()
    eventually(lambda: not main.is_alive(), "the end of a cluster that can't go on")
    site.see_work(QUEUE)


def test_a_killed_database_comes_back(site: Site) -> None:
    lines = (site.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    _kill(psutil.Process(int(lines[0])))
    eventually(lambda: site.get("/readyz") == 200, "readiness")
    site.see_work(QUEUE)
    eventually(lambda: "database was gone" in str(site.event_messages()), "the event")


def test_after_a_killed_up_the_next_one_ends_its_orphans(site: Site) -> None:
    before = site.sessions()
    orphans = processes.descendants(site.up.pid)
    detached = _detached(site)
    site.up.kill()
    site.up.wait()
    # Until then they serve: pipelines must not notice.
    assert site.get("/readyz") == 200
    site.start()
    assert not set(before.values()) & set(site.sessions().values())
    for process in orphans:
        # The database is taken over as it runs.
        assert not process.is_alive() or _name(process) == "postgres"
    assert detached.is_alive()
    processes.end([detached], grace_s=0)
    site.see_work(QUEUE)


def _detached(site: Site) -> ProcessId:
    """What a worker starts in a session of its own, as it does Nextflow."""
    pid_file = site.directory / "detached"
    script = f"setsid sleep 600 & echo $! > {pid_file}"
    site.ring(QUEUE, "subprocess.check_call", ["sh", "-c", script])
    eventually(lambda: pid_file.exists() and pid_file.read_text(), "the task")
    return ProcessId.of(int(pid_file.read_text()))


def _name(process: ProcessId) -> str:
    return psutil.Process(process.pid).name()


def test_all_killed_at_once_it_serves_again(site: Site) -> None:
    site.kill_everything()
    site.start()
    site.see_work(QUEUE)
    eventually(lambda: len(site.sessions()) == 4, "web and three clusters")
    assert site.stop() == 0
