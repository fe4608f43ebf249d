"""kill -9 below running traces: every client that tries again ends complete."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.e2e.sites import Site, eventually, new_site
from tests.turret.replay import Sender, invented_run

pytestmark = pytest.mark.slow

RUNS = 6
TASKS = 50
PAUSE_S = 0.03


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with new_site() as site:
        site.start()
        yield site
        assert site.stop() == 0


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.make_token("trace")


def run(name: str, sender: Sender) -> str:
    """A whole run; the id of its workflow."""
    workflow_id = ""
    for method, path, body in invented_run(name, TASKS):
        path = path.replace("{id}", workflow_id)
        answer = sender.send(method, path, json.dumps(body).encode())
        workflow_id = workflow_id or str(answer["workflowId"])
        time.sleep(PAUSE_S)
    sender.reconnect()
    return workflow_id


def a_worker(site: Site) -> psutil.Process:
    workers = psutil.Process(site.sessions()["web"]).children()
    return max(workers, key=lambda process: process.cpu_times().user)


def kill_worker(site: Site) -> None:
    a_worker(site).kill()


def kill_web_server(site: Site) -> None:
    server = psutil.Process(site.sessions()["web"])
    family = [server, *server.children()]
    for process in family:
        process.kill()
    psutil.wait_procs(family)
    eventually(lambda: site.sessions().get("web", server.pid) != server.pid, "it")


def stop_web_server(site: Site) -> None:
    """As a restart does: it may finish what it has begun."""
    server = psutil.Process(site.sessions()["web"])
    server.terminate()
    psutil.wait_procs([server])
    eventually(lambda: site.sessions().get("web", server.pid) != server.pid, "it")


def kill_database(site: Site) -> None:
    before = postmaster(site)
    psutil.Process(before).kill()
    eventually(lambda: postmaster(site) not in (0, before), "another one")
    eventually(site.is_ready, "the database")


def postmaster(site: Site) -> int:
    """Its process id; 0 while there is none."""
    try:
        text = (site.data_dir / "postgres" / "postmaster.pid").read_text()
    except FileNotFoundError:
        return 0
    return int(text.split()[0]) if text else 0


@pytest.mark.parametrize(
    ("disturb", "name"),
    [
        (kill_worker, "worker"),
        (kill_web_server, "server"),
        (stop_web_server, "restart"),
        (kill_database, "database"),
    ],
)
def test_traces_outlive_it(
    site: Site, token: str, disturb: Callable[[Site], None], name: str
) -> None:
    senders = [Sender(site.port, token) for _ in range(RUNS)]
    names = [f"{name}_{number}" for number in range(RUNS)]
    with ThreadPoolExecutor(RUNS) as pool:
        runs = [pool.submit(run, *one) for one in zip(names, senders, strict=True)]
        for _ in range(2):
            time.sleep(1)
            assert not any(one.done() for one in runs), "too late to disturb"
            disturb(site)
        ids = [one.result() for one in runs]
    for run_name, workflow_id in zip(names, ids, strict=True):
        assert end_of(site, workflow_id) == (run_name, "succeeded", TASKS, TASKS)
    # A create that came twice has made nothing twice.
    created = "SELECT count(*) FROM turret_workflow WHERE run_name LIKE %s"
    assert site.query(created, f"{name}%") == [(RUNS,)]


def test_a_create_that_is_sent_once_outlasts_the_database(
    site: Site, token: str
) -> None:
    """Clients up to 25.04 never send it again."""
    psutil.Process(postmaster(site)).kill()
    sender = Sender(site.port, token, tries_again=False)
    body = json.dumps({"runName": "sent_once", "instant": 1}).encode()
    assert sender.send("POST", "/trace/create", body)["workflowId"]
    sender.reconnect()


def end_of(site: Site, workflow_id: str) -> tuple[object, ...]:
    """Name, status, counted and stored completed tasks."""
    ((*values,),) = site.query(
        "SELECT run_name, status, succeeded, (SELECT count(*)"
        " FROM turret_workflowtask t WHERE t.workflow_id = w.id"
        " AND t.status = 'completed' AND t.exit = 0)"
        " FROM turret_workflow w WHERE workflow_id = %s",
        workflow_id,
    )
    return tuple(values)
