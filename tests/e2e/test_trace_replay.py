"""Traces of real Nextflow, replayed to a whole site: what it ends with is what
Nextflow said."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.sites import Site, new_site
from tests.turret.replay import Recording, Sender, recordings, replay

pytestmark = pytest.mark.slow

NOT_KNOWN = 2147483647
SIGNALS = {"SIGINT", "SIGTERM", "SIGHUP"}
# Those whose server refused or dropped some calls, too: each attempt was recorded,
# and is a repetition here. Without those that were led to other paths.
COMPLETED = [
    recording
    for recording in recordings()
    if recording.completes
    and all("/trace/" in request["path"] for request in recording.requests)
]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with new_site() as site:
        site.start()
        yield site
        assert site.stop() == 0


@pytest.fixture(scope="module")
def token(site: Site) -> str:
    return site.make_token("trace")


def test_recordings_of_all_three_clients_are_replayed() -> None:
    versions = {r.end["workflow"]["nextflow"]["version"] for r in COMPLETED}
    assert versions == {"25.04.4", "24.10.0", "22.10.6"}
    assert len(COMPLETED) >= 30


@pytest.mark.parametrize("recording", COMPLETED, ids=str)
def test_a_replayed_run_ends_as_nextflow_said(
    site: Site, token: str, recording: Recording
) -> None:
    workflow_id = replay(recording, Sender(site.port, token, tries_again=False))
    row = one_workflow(site, workflow_id)
    check_workflow(row, recording)
    check_tasks(site, row["id"], recording)
    check_processes(site, row["id"], recording)


def one_workflow(site: Site, workflow_id: str) -> dict[str, Any]:
    statement = "SELECT to_jsonb(w) FROM turret_workflow w WHERE workflow_id = %s"
    ((row,),) = site.query(statement, workflow_id)
    return dict(row)


def check_workflow(row: dict[str, Any], recording: Recording) -> None:
    said, progress = recording.end["workflow"], recording.end["progress"]
    assert row["status"] == expected_status(said, progress)
    assert row["success"] is said["success"]
    assert row["exit_status"] == said["exitStatus"]
    assert row["error_report"] == (said["errorReport"] or "")
    assert row["duration_ms"] == said["duration"]
    assert row["run_name"] == said["runName"]
    assert row["session_id"] == said["sessionId"]
    assert row["command_line"] == said["commandLine"]
    assert row["nextflow_version"] == said["nextflow"]["version"]
    assert (row["params"] or {}) == without_nul(said["params"])
    assert (row["metrics"] or []) == recording.end["metrics"]
    for name in (
        *("pending", "submitted", "running", "succeeded", "failed"),
        *("cached", "ignored", "retries", "aborted"),
    ):
        assert row[name] == progress[name], name


def without_nul(value: object) -> object:
    """PostgreSQL has no U+0000."""
    return json.loads(json.dumps(value).replace("\\u0000", ""))


def expected_status(said: dict[str, Any], progress: dict[str, Any]) -> str:
    if said["success"]:
        tripped = said.get("failOnIgnore") and progress["ignored"]
        return "failed" if tripped else "succeeded"
    return "cancelled" if said["errorReport"] in SIGNALS else "failed"


def check_tasks(site: Site, pk: int, recording: Recording) -> None:
    rows = site.query(
        "SELECT task_id, status, name, hash, exit, attempt, cpus, memory_bytes,"
        " script, workdir FROM turret_workflowtask WHERE workflow_id = %s",
        pk,
    )
    stored = {row[0]: row[1:] for row in rows}
    states = Counter(status.upper() for status, *_ in stored.values())
    assert dict(states) == recording.index["lastStates"]
    assert len(stored) == recording.index["tasks"]
    if recording.index["trimmed"]:
        return  # what the records said beside the states is not in the recording
    for number, task in recording.tasks.items():
        assert stored[number] == (
            task["status"].lower(),
            task["name"],
            task["hash"] or "",
            None if task["exit"] == NOT_KNOWN else task["exit"],
            task["attempt"],
            task["cpus"],
            task["memory"],
            task["script"] or "",
            task["workdir"] or "",
        )


def check_processes(site: Site, pk: int, recording: Recording) -> None:
    rows = site.query(
        "SELECT to_jsonb(p) FROM turret_workflowprocess p WHERE workflow_id = %s", pk
    )
    stored = {row["name"]: row for (row,) in rows}
    said = {one["name"]: one for one in recording.end["progress"]["processes"]}
    assert stored.keys() == said.keys()
    for name, process in said.items():
        for key in ("succeeded", "failed", "cached", "stored", "retries", "aborted"):
            assert stored[name][key] == process[key]


def test_an_idle_connection_stays_open(site: Site, token: str) -> None:
    """A client's own limit is 5 s (Java): we must not be the first to close."""
    sender = Sender(site.port, token, tries_again=False)
    for idle_s in (0, 6):
        time.sleep(idle_s)
        body = json.dumps({"runName": "idle", "instant": idle_s}).encode()
        assert sender.send("POST", "/trace/create", body)["workflowId"]
    sender.reconnect()


def test_a_body_without_a_length_is_read(site: Site, token: str) -> None:
    pieces = iter([b'{"runName": "in', b'_chunks", "instant"', b": 1}"])
    assert post(site, token, pieces) == 200
    named = "SELECT count(*) FROM turret_workflow WHERE run_name = 'in_chunks'"
    assert site.query(named) == [(1,)]


def test_a_body_beyond_the_limit_is_told_so(site: Site, token: str) -> None:
    """Although it is still being sent when that is known."""
    assert post(site, token, b" " * (65 << 20)) == 413
    assert post(site, token, iter([b" " * (1 << 20)] * 65)) == 413


def post(site: Site, token: str, body: bytes | Iterator[bytes]) -> int:
    """The status of a create with that body, in chunks if it is an iterator."""
    client = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Host": "some.other.name"}
    client.request("POST", "/api/trace/create", body, headers)
    answer = client.getresponse()
    assert (answer.status == 200) == ("workflowId" in json.loads(answer.read()))
    client.close()
    return answer.status


def test_fifty_runs_at_once_keep_apart(site: Site, token: str) -> None:
    """A hundred tasks a call, as a busy run sends each second: each run ends with its
    own tasks and counts, and nobody was sent away."""
    runs, calls, width = 50, 3, 100

    def send(run: int) -> tuple[str, Counter[int]]:
        sender = Sender(site.port, token, tries_again=False)
        create = {"sessionId": f"many-{run}", "runName": f"many_{run}", "instant": run}
        raw = json.dumps(create).encode()
        made = str(sender.send("POST", "/trace/create", raw)["workflowId"])
        begin = json.dumps({"workflow": {"runName": f"many_{run}"}, "instant": run})
        sender.send("PUT", f"/trace/{made}/begin", begin.encode())
        for call in range(calls):
            tasks = [
                {"taskId": n, "status": "COMPLETED", "name": f"{run}:{n}", "exit": call}
                for n in range(width)
            ]
            progress = {"succeeded": run, "processes": [{"name": "A", "cached": run}]}
            body = {"tasks": tasks, "progress": progress, "instant": run + call}
            # Without blanks, as Nextflow writes it.
            raw = json.dumps(body, separators=(",", ":")).encode()
            sender.send("PUT", f"/trace/{made}/progress", raw)
        sender.reconnect()
        return made, sender.statuses

    with ThreadPoolExecutor(runs) as pool:
        found = list(pool.map(send, range(runs)))
    assert {status for _, statuses in found for status in statuses} == {200}
    stored = site.query(
        "SELECT w.workflow_id, w.succeeded, p.cached, count(*), min(t.exit),"
        " bool_and(t.name = w.succeeded || ':' || t.task_id) FROM turret_workflow w"
        " JOIN turret_workflowtask t ON t.workflow_id = w.id"
        " JOIN turret_workflowprocess p ON p.workflow_id = w.id"
        " WHERE session_id LIKE 'many-%%' GROUP BY w.id, p.id"
    )
    expected = [
        (made, run, run, width, calls - 1, True) for run, (made, _) in enumerate(found)
    ]
    assert sorted(stored) == sorted(expected)
