"""What clients send that no run can have is stored, and breaks no page: checks 28, 41
and 43 of the protocol beyond storing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import client_with
from tests.staff import staff
from tests.turret.api.trace.wire import counters, task, workflow
from tests.turret.factories import WorkflowFactory
from tests.turret.pages import LIST, page_of
from tests.turret.services.calls import make_caller
from turret.engine.trace import read_begin, read_complete, read_update
from turret.models import Workflow
from turret.services import tracing

pytestmark = pytest.mark.django_db

MOST = 2**63 - 1
SIZES = ("rss", "vmem", "peakRss", "peakVmem", "readBytes", "memory", "disk", "rchar")
COUNTS = ("succeeded", "failed", "running", "pending", "loadMemory", "peakMemory")


def odd(number: int) -> Workflow:
    """A workflow of which everything is `number`."""
    caller = make_caller()
    row = WorkflowFactory.create(token_digest=caller.token_digest, begun_at=None)
    begin = {"workflow": workflow(start="2099-12-31T23:59:59Z", duration=number)}
    tracing.begin(row.workflow_id, read_begin(begin), caller)
    times: dict[str, Any] = dict.fromkeys(("duration", "realtime", "time"), number)
    figures: dict[str, Any] = dict.fromkeys((*SIZES, "cpus", "attempt"), number)
    figures |= {"pcpu": float(number), "pmem": -1e308}
    tasks = [
        task(number, **figures, **times),
        task(1, "FAILED", exit=number, submit="2000-01-01T00:00Z", **times),
        task(2, "ABORTED", exit=2147483647, start=None, complete=None, duration=None),
        task(3, "CACHED", submit="2000-01-01T00:00Z", complete="2000-01-02T00:00Z"),
        task(4, "RUNNING", start="2099-01-01T00:00Z", complete=None),
        task(5, "FOO", name="", process="", tag="x" * 5000),
    ]
    process = {"name": "DEMO:FASTQC", "index": number, **dict.fromkeys(COUNTS, number)}
    progress = {**counters(**dict.fromkeys(COUNTS, number)), "processes": [process]}
    update = {"tasks": tasks, "progress": progress, "instant": number}
    tracing.update(row.workflow_id, read_update(update), caller)
    return row


@pytest.mark.parametrize("number", [-(2**63), -1, MOST])
@pytest.mark.parametrize("ended", [False, True])
def test_no_page_breaks(number: int, ended: bool) -> None:
    row = odd(number)
    if ended:
        end = {"workflow": workflow(success=False, duration=number, exitStatus=number)}
        tracing.complete(row.workflow_id, read_complete(end), make_caller())
    person, script = staff("manager"), client_with("read")
    page = page_of(row)
    api = f"/api/runs/{row.workflow_id}"
    platform = f"/api/workflow/{row.workflow_id}"
    tabs = ("overview", "tasks", "resources", "inputs", "details", "timeline")
    for address in (
        "/admin/",
        LIST,
        *(f"{page}?tab={tab}" for tab in tabs),
        f"{LIST}{row.pk}/live/",
        f"{LIST}{row.pk}/tasks.csv",
        *(f"{LIST}{row.pk}/tasks/{task_id}/" for task_id in (number, 1, 2, 3, 4, 5)),
    ):
        answer = person.get(address)
        assert answer.status_code == 200, address
        assert answer.getvalue()  # all of it, where it is streamed
    for address in (
        "/api/runs",
        api,
        f"{api}/tasks",
        *(f"{api}/tasks/{task_id}" for task_id in (1, 2, 3, 4, 5)),
        f"{api}/processes",
        "/api/workflow",
        platform,
        f"{platform}/progress",
        f"{platform}/tasks",
        f"{platform}/task/1",
    ):
        assert script.get(address).status_code == 200, address
    assert row.tasks.count() == 6
