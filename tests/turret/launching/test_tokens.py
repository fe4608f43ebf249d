"""The token of a launch that Nextflow traces itself."""

from __future__ import annotations

import pytest
from django.db import transaction
from pytest_django import Settings

from seqhub.operations.models import ApiToken
from tests.clients import ServedClient, make_user, token_of
from tests.turret.api.trace.wire import Wire, basic
from tests.turret.launching.site import (
    ACTOR,
    Site,
    end,
    files,
    look_until,
    printed,
    state_of,
)
from turret.choices import LaunchState, TraceBy
from turret.errors import UnknownWorkflow
from turret.models import Launch, Workflow
from turret.services.callers import Caller
from turret.services.launching import starting, tokens
from turret.services.launching.cancelling import cancel
from turret.services.launching.environments import configured_compute
from turret.services.rows import hold

pytestmark = pytest.mark.django_db(transaction=True)

PRINTING = """\
#!/bin/bash
env | grep ^TOWER_ | sort
echo "$@"
sleep 600
"""


@pytest.fixture
def launch(site: Site) -> Launch:
    """One that runs."""
    compute = configured_compute()
    compute.trace = TraceBy.TOWER
    compute.save()
    site.nextflow.write_text(PRINTING)
    launch = site.submit()
    look_until(lambda: "-with-tower" in printed(launch))
    launch.refresh_from_db()
    return launch


def token(launch: Launch) -> str:
    told = dict(line.partition("=")[::2] for line in printed(launch).splitlines())
    assert told["TOWER_WORKFLOW_ID"] == launch.launch_id
    assert told["TOWER_API_ENDPOINT"] == "http://127.0.0.1:8000"
    return told["TOWER_ACCESS_TOKEN"]


def created(text: str, workflow_id: str) -> str | int:
    """The id that the trace has answered, or its refusal."""
    answer = Wire(basic(text)).create(workflowId=workflow_id)
    return str(answer.body["workflowId"]) if answer.status == 200 else answer.status


def test_its_nextflow_traces_with_it_as_this_launch(launch: Launch) -> None:
    text = token(launch)
    assert created(text, launch.launch_id) == launch.launch_id
    assert Workflow.objects.count() == 1
    assert text not in files(launch).script.read_text()


def test_it_is_good_for_nothing_else(launch: Launch) -> None:
    text = token(launch)
    headers = {"Authorization": f"Bearer {text}"}
    assert ServedClient(headers=headers).get("/api/runs").status_code == 403
    other = Workflow.objects.create(
        workflow_id="another",
        owner=launch.owner,
        status_since=launch.state_since,
        created_at=launch.state_since,
        last_seen_at=launch.state_since,
    )
    assert created(text, other.workflow_id) == 404


def test_another_persons_token_does_not_trace_as_it(launch: Launch) -> None:
    text = token_of(make_user(), ["trace"])
    assert created(text, launch.launch_id) == 404


def test_it_ends_with_its_launch(launch: Launch) -> None:
    text = token(launch)
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert ApiToken.objects.get().revoked_at
    assert not files(launch).token.exists()
    assert created(text, "") == 401


def test_a_second_start_finds_the_first_ones_token(site: Site) -> None:
    compute = configured_compute()
    compute.trace = TraceBy.TOWER
    compute.save()
    launch = site.submit(params={"sleep": 0, "exit": 0})
    Launch.objects.update(state=LaunchState.STARTING)
    launch = Launch.objects.select_related("workflow", "compute", "owner").get()
    for _ in range(2):
        starting.prepare(launch, {})
    assert ApiToken.objects.count() == 1
    end(launch)
    assert ApiToken.objects.filter(revoked_at=None).count() == 0


def test_one_that_has_ended_gets_no_other_token(launch: Launch) -> None:
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    tokens.hand_out(launch)
    assert not ApiToken.objects.filter(revoked_at=None).exists()
    assert not files(launch).token.exists()


def test_the_plugin_decides_where_it_is_not_said(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NXF_HOME", str(site.directory / "nxf"))
    params = {"sleep": 0, "exit": 0}
    without = site.submit(params=params)
    end(without)
    (site.directory / "nxf" / "plugins" / "nf-tower-1.9.3").mkdir(parents=True)
    traced = site.submit(params=params)
    end(traced)
    assert (without.trace, traced.trace) == (TraceBy.FILE, TraceBy.TOWER)
    assert state_of(traced) == LaunchState.SUCCEEDED


def test_who_sends_no_token_may_not_write_to_a_launch(site: Site) -> None:
    """Not even from a network of api.open_to, which goes on with its own."""
    launch = site.submit()
    stranger = Caller(None, "", True, "", "192.0.2.7", "")
    with pytest.raises(UnknownWorkflow), transaction.atomic():
        hold(launch.launch_id, stranger)
