"""Launches of the real Nextflow, from their submission to their end."""

from __future__ import annotations

import pytest

from tests.turret.launching.site import Site, end, files, printed
from turret.choices import LaunchState, Status

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_a_pipeline_of_three_processes_runs_to_its_end(real: Site) -> None:
    launch = real.submit("three", profile="test", params={"lines": 7})
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED, printed(launch)
    assert launch.exit_code == 0
    results = real.launches / launch.launch_id / "launch" / "results"
    assert (results / "counts.tsv").read_text() == "a\t7\nb\t7\n"
    assert files(launch).trace.read_text().count("COMPLETED") == 5
    assert launch.workflow.status == Status.SUCCEEDED


def test_a_failing_one_ends_with_its_exit_code(real: Site) -> None:
    launch = real.submit("fails", params={"samples": "b"})
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.FAILED, 1)
    assert "terminated with an error exit status (137)" in launch.message
    assert launch.workflow.status == Status.FAILED
