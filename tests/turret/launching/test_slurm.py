"""Launches whose Nextflow is a job of a real SLURM."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqhub.lib.processes import descendants
from tests.factories import HOST
from tests.slurm import Slurm
from tests.turret.factories import ComputeFactory
from tests.turret.launching.site import (
    ACTOR,
    Site,
    end,
    files,
    look_until,
    printed,
    state_of,
)
from turret.choices import ComputeKind, LaunchState
from turret.engine.launching import slurm_jobs
from turret.engine.launching.process import read_process
from turret.models import ComputeEnvironment, Launch
from turret.services.launching import watching
from turret.services.launching.cancelling import cancel
from turret.services.launching.watching import Watch

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SLEEPS = {"sleep": 600, "exit": 0}
ENDS = {"sleep": 0, "exit": 0}


@pytest.fixture
def cluster(
    site: Site, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ComputeEnvironment]:
    """Where launches are head jobs; none of them is left."""
    monkeypatch.setenv("SLURM_CONF", slurm.env["SLURM_CONF"])
    monkeypatch.setattr(watching, "GONE_S", dict.fromkeys(watching.GONE_S, 1.0))
    yield ComputeFactory.create(
        name="cluster",
        kind=ComputeKind.SLURM,
        host=HOST,
        is_configured=False,
        queue="main",
        head_cpus=1,
        head_memory_mb=100,
    )
    slurm.run("scancel", "--user=root")


def started(site: Site, cluster: ComputeEnvironment) -> Launch:
    launch = site.submit(compute=cluster, params=SLEEPS)
    look_until(lambda: state_of(launch) == LaunchState.RUNNING)
    launch.refresh_from_db()
    return launch


@pytest.mark.parametrize(
    ("code", "state"), [(0, LaunchState.SUCCEEDED), (3, LaunchState.FAILED)]
)
def test_a_head_job_says_how_it_ended(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm, code: int, state: str
) -> None:
    params = {"sleep": 0, "exit": code}
    launch = site.submit(compute=cluster, params=params, run_name="one")
    end(launch)
    assert (launch.state, launch.exit_code) == (state, code)
    job = slurm.job(launch.job_id)
    assert (job["JobName"], job["Partition"]) == (f"seqhub-{launch.launch_id}", "main")


def test_it_is_cancelled_while_it_runs(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm
) -> None:
    launch = started(site, cluster)
    cancel(launch.pk, actor=ACTOR)
    end(launch)
    assert launch.state == LaunchState.CANCELLED
    assert slurm.run("squeue", "-h", "-j", launch.job_id) == ""


def test_it_is_cancelled_while_it_waits_in_the_queue(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm
) -> None:
    slurm.run("scontrol", "update", "PartitionName=main", "State=DOWN")
    try:
        launch = site.submit(compute=cluster, params=ENDS)
        look_until(lambda: Launch.objects.get().code == "slurm_queue")
        assert state_of(launch) == LaunchState.STARTING
        cancel(launch.pk, actor=ACTOR)
        end(launch)
    finally:
        slurm.run("scontrol", "update", "PartitionName=main", "State=UP")
    assert launch.state == LaunchState.CANCELLED
    slurm.wait_for(launch.job_id, "CANCELLED")


def test_what_slurm_refuses_has_failed(site: Site, cluster: ComputeEnvironment) -> None:
    cluster.queue = "nope"
    cluster.save()
    launch = site.submit(compute=cluster, params=ENDS)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "slurm_refused")
    assert "nope" in launch.message


def test_a_slurm_that_is_down_is_waited_for(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm
) -> None:
    running = started(site, cluster)
    slurm.stop_controller()
    try:
        launch = site.submit(compute=cluster, params=ENDS)
        cancel(running.pk, actor=ACTOR)
        watch = Watch(HOST)
        for _ in range(2):
            watch.look()
        assert state_of(launch) == LaunchState.STARTING
        assert state_of(running) == LaunchState.RUNNING
        told = set(Launch.objects.values_list("code", flat=True))
        assert told == {"slurm_down"}
    finally:
        slurm.start_controller()
    end(launch, running)
    assert launch.state == LaunchState.SUCCEEDED
    assert running.state == LaunchState.CANCELLED
    assert launch.message == ""


@pytest.mark.parametrize("step", ["prepared", "submitted"])
def test_a_worker_killed_at_the_submission_leaves_one_nextflow(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm, step: str
) -> None:
    launch = site.submit(compute=cluster, params={"sleep": 1, "exit": 0})
    worker = subprocess.run(
        [sys.executable, "-m", "tests.turret.launching.worker", step],
        env=site.environment() | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert worker.returncode == -signal.SIGKILL, worker.stderr
    launch.refresh_from_db()
    assert (launch.state, launch.job_id) == (LaunchState.STARTING, "")
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED
    assert printed(launch).count("a stand-in for Nextflow") == 1
    name = slurm_jobs.job_name(launch.launch_id)
    jobs = slurm.run("scontrol", "--oneliner", "show", "job").splitlines()
    assert len([line for line in jobs if f"JobName={name} " in line]) == 1


def test_one_whose_job_is_killed_is_lost_with_the_reason(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm
) -> None:
    launch = started(site, cluster)
    script = read_process(files(launch))
    assert script
    for member in [script, *descendants(script.pid)]:
        member.send(signal.SIGKILL)
    end(launch)
    assert launch.state == LaunchState.LOST
    assert launch.job_id in launch.message


def test_secrets_of_ours_are_not_in_the_job(
    site: Site, cluster: ComputeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "ours")
    site.nextflow.write_text("#!/bin/bash\nenv\n")
    launch = site.submit(compute=cluster)
    end(launch)
    names = {line.partition("=")[0] for line in printed(launch).splitlines()}
    assert "SLURM_JOB_ID" in names
    assert not names & {"PGPASSWORD", "DATABASE_URL", "SEQHUB_CONFIG"}


def test_the_real_nextflow_runs_as_a_head_job(
    real: Site, cluster: ComputeEnvironment
) -> None:
    launch = real.submit("three", compute=cluster, profile="test")
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED, printed(launch)
    results = files(launch).launch_dir / "results" / "counts.tsv"
    assert results.read_text() == "a\t3\nb\t3\n"
