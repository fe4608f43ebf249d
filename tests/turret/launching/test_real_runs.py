"""Launches of the real Nextflow, from their submission to their end."""

from __future__ import annotations

import signal

import pytest

from seqhub.lib import processes
from seqhub.operations.models import Attention
from tests.turret.launching.site import (
    ACTOR,
    Site,
    command_of,
    end,
    files,
    look_until,
    printed,
)
from turret.choices import LaunchState, Status, TaskStatus
from turret.models import Launch
from turret.services.launching.cancelling import cancel

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def tasks(launch: Launch) -> dict[str, str]:
    rows = launch.workflow.tasks.all()
    return dict(rows.values_list("name", "status"))


def asleep(site: Site) -> Launch:
    """One whose quick task is done and whose other one sleeps."""
    launch = site.submit("sleeps", params={"samples": "å", "seconds": 300})
    look_until(lambda: "SLEEP (å)" in printed(launch))
    launch.refresh_from_db()
    return launch


def test_a_pipeline_of_three_processes_runs_to_its_end(real: Site) -> None:
    launch = real.submit("three", profile="test", params={"lines": 7})
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED, printed(launch)
    assert launch.exit_code == 0
    results = files(launch).launch_dir / "results"
    assert (results / "counts.tsv").read_text() == "a\t7\nb\t7\n"
    names = ["COUNT (a)", "COUNT (b)", "MAKE (a)", "MAKE (b)", "MERGE"]
    assert tasks(launch) == dict.fromkeys(names, TaskStatus.COMPLETED)
    assert launch.workflow.status == Status.SUCCEEDED


def test_a_failing_one_ends_with_its_exit_code(real: Site) -> None:
    launch = real.submit("fails", params={"samples": "b"})
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.FAILED, 1)
    assert "terminated with an error exit status (137)" in launch.message
    assert launch.workflow.status == Status.FAILED
    subjects = Attention.objects.values_list("subject", flat=True)
    assert list(subjects) == [launch.workflow.subject]


def test_a_cancelled_one_ends_with_its_tasks(real: Site) -> None:
    launch = asleep(real)
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert launch.workflow.status == Status.CANCELLED
    assert launch.pid
    look_until(lambda: processes.session_members(launch.pid or 0) == [])
    quick = ("QUICK (å)", TaskStatus.COMPLETED)
    assert tasks(launch) == dict([quick, ("SLEEP (å)", TaskStatus.ABORTED)])


def test_a_killed_nextflow_leaves_no_tasks(real: Site) -> None:
    launch = asleep(real)
    assert launch.pid
    for member in processes.session_members(launch.pid):
        if b"nextflow.cli.Launcher" in command_of(member):
            member.send(signal.SIGKILL)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "killed")
    look_until(lambda: processes.session_members(launch.pid or 0) == [])


def test_a_name_that_nextflow_does_not_know_is_told(real: Site) -> None:
    launch = real.submit("three", profile="nope")
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "nextflow_failed")
    assert "Unknown configuration profile" in launch.message
    assert launch.workflow.status == Status.FAILED
