"""The database goes away and stays away: everybody is told so, nobody waits."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from seqhub.postgres import EmbeddedPostgres
from tests.directories import open_directory
from tests.e2e.sites import Site, end

pytestmark = pytest.mark.slow

# More than the web server has threads.
CALLERS = 20


@dataclass
class Outage:
    site: Site
    token: str
    workflow_id: str
    database: EmbeddedPostgres


def ask(
    site: Site, method: str, path: str, token: str = "", body: object = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        raw = None if body is None else json.dumps(body)
        connection.request(method, path, raw, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def outage() -> Iterator[Outage]:
    """A site whose database was stopped after a workflow was created."""
    with open_directory() as directory, ExitStack() as stack:
        database = EmbeddedPostgres(directory / "database")
        database.create()
        stack.enter_context(database.use())
        site = Site(directory / "site", database_url=database.url)
        try:
            site.start()
            token = site.make_token("trace")
            create = {"runName": "before", "instant": 1}
            status, _, text = ask(site, "POST", "/trace/create", token, create)
            assert status == 200, text
            stack.close()  # the last user stops it
            yield Outage(site, token, json.loads(text)["workflowId"], database)
        finally:
            end(site)


def test_creates_that_wait_for_the_database_hold_nobody_else(outage: Outage) -> None:
    """Those of old clients, which are never sent again, wait a while for it."""
    site, token = outage.site, outage.token
    answers: list[tuple[int, str | None]] = []

    def create(number: int) -> None:
        body = {"runName": f"new_{number}", "instant": number}
        status, headers, _ = ask(site, "POST", "/trace/create", token, body)
        answers.append((status, headers["Retry-After"]))

    threads = [threading.Thread(target=create, args=[n]) for n in range(CALLERS)]
    for thread in threads:
        thread.start()
    for _ in range(CALLERS):
        assert ask(site, "GET", "/healthz")[0] == 200
        assert ask(site, "GET", "/readyz")[0] == 503
        body = {"tasks": [], "instant": 1}
        path = f"/trace/{outage.workflow_id}/progress"
        status, headers, _ = ask(site, "PUT", path, token, body)
        assert (status, headers["Retry-After"]) == (503, "5")
        assert ask(site, "GET", "/admin/login/")[0] in (200, 500, 503)
    # Some of them still wait: nothing else had to wait for them.
    assert any(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    assert answers == [(503, "5")] * CALLERS


def test_calls_are_taken_when_it_is_back(outage: Outage) -> None:
    with outage.database.use():
        path = f"/trace/{outage.workflow_id}/progress"
        body = {"tasks": [{"taskId": 1, "status": "NEW"}], "instant": 2}
        answers = {ask(outage.site, "PUT", path, outage.token, body)[0]}
        # Each thread finds its own connection gone; a client sends again.
        while 200 not in answers:
            assert answers == {503}
            answers.add(ask(outage.site, "PUT", path, outage.token, body)[0])
        stored = "SELECT count(*) FROM turret_workflowtask"
        assert outage.site.query(stored) == [(1,)]
        assert outage.site.stop() == 0
