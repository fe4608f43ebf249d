"""Launches whose Nextflow is a job of a real SLURM."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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


def jobs_named(slurm: Slurm, name: str) -> int:
    """Jobs that SLURM remembers, ended ones too."""
    jobs = slurm.run("scontrol", "--oneliner", "show", "job").splitlines()
    return len([line for line in jobs if f"JobName={name} " in line])


def tasks_of(slurm: Slurm) -> dict[str, str]:
    """Jobs of Nextflow's own that wait or run, and where they work."""
    lines = slurm.run("squeue", "-h", "-o", "%A|%Z|%j").splitlines()
    parts = (line.split("|", 2) for line in lines)
    return {job_id: place for job_id, place, name in parts if name.startswith("nf-")}


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
    assert jobs_named(slurm, slurm_jobs.job_name(launch.launch_id)) == 1


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


def test_a_host_without_slurms_commands_says_so(
    site: Site, cluster: ComputeEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    launch = site.submit(compute=cluster, params=ENDS)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "no_slurm")
    assert "no program s" in launch.message


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a program before SLURM's of that name, which it finds as `$real`."""
    directory = tmp_path / "programs"
    directory.mkdir()

    def put(name: str, text: str) -> None:
        real = shlex.quote(shutil.which(name) or name)
        file = directory / name
        file.write_text(f"#!/bin/bash\nreal={real}\n{text}\n")
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")

    return put


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('$real "$@" >/dev/null; echo welcome to the cluster', id="odd"),
        pytest.param('$real "$@"; sleep 60', id="slow"),
        pytest.param(
            '$real "$@" >/dev/null; echo "sbatch: error: Socket timed out" >&2; exit 1',
            id="lost",
        ),
    ],
)
def test_a_job_whose_number_did_not_come_back_is_found_by_its_name(
    site: Site,
    cluster: ComputeEnvironment,
    slurm: Slurm,
    program: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    text: str,
) -> None:
    monkeypatch.setattr(slurm_jobs, "SUBMIT_S", 2)
    program("sbatch", text)
    launch = site.submit(compute=cluster, params={"sleep": 2, "exit": 0})
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED
    assert launch.job_id
    assert jobs_named(slurm, slurm_jobs.job_name(launch.launch_id)) == 1


def test_a_number_with_the_name_of_its_cluster_after_a_plugins_words_is_taken(
    site: Site, cluster: ComputeEnvironment, program: Callable[..., None]
) -> None:
    program("sbatch", 'echo "3 hours are left"; echo "$($real "$@");test"')
    launch = site.submit(compute=cluster, params=ENDS)
    Watch(HOST).look()
    launch.refresh_from_db()
    assert launch.job_id.isdecimal()
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED


def test_another_job_of_the_same_number_is_left_alone(
    site: Site, cluster: ComputeEnvironment, slurm: Slurm
) -> None:
    launch = started(site, cluster)
    other = slurm.run(
        *("sbatch", "--parsable", "--output=/dev/null"),
        *("--job-name=other", "--wrap", "sleep 60"),
    )
    slurm.wait_for(other, "RUNNING")
    env, launch_id = slurm.env, launch.launch_id
    assert slurm_jobs.ended_job(other, launch_id, env) is None
    slurm_jobs.stop(other, launch_id, env)
    slurm_jobs.kill(other, launch_id, env)
    assert slurm.job(other)["JobState"] == "RUNNING"


@pytest.mark.parametrize("kind", ComputeKind)
def test_jobs_of_tasks_end_with_a_nextflow_that_was_killed(
    real: Site,
    cluster: ComputeEnvironment,
    slurm: Slurm,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLURM_CONF", slurm.env["SLURM_CONF"])
    cluster.kind = kind
    cluster.save()
    launch = real.submit(
        "sleeps", compute=cluster, config_text="process.executor = 'slurm'"
    )
    look_until(lambda: tasks_of(slurm))
    launch.refresh_from_db()
    # Somebody else's, that works in the same place.
    place = next(iter(tasks_of(slurm).values()))
    argv = ("--parsable", f"--chdir={place}", "--output=/dev/null")
    other = slurm.run("sbatch", *argv, "--job-name=other", "--wrap", "sleep 60")
    script = read_process(files(launch))
    assert script
    slurm.stop_controller()
    try:
        for member in [script, *descendants(script.pid)]:
            member.send(signal.SIGKILL)
        watch = Watch(HOST)
        for _ in range(3):
            watch.look()
            time.sleep(1)
        assert state_of(launch) == LaunchState.RUNNING
    finally:
        slurm.start_controller()
    end(launch)
    assert launch.state == LaunchState.LOST
    look_until(lambda: not tasks_of(slurm))
    assert slurm.job(other)["JobState"] in ("RUNNING", "PENDING")


def test_only_jobs_that_the_log_names_are_left_of_a_launch(tmp_path: Path) -> None:
    work = tmp_path / "work"
    log = tmp_path / "nextflow.log"
    line = "Nov-22 16:57:24.212 [x] DEBUG n.e.GridTaskHandler - [SLURM] submitted {}"
    log.write_text(
        "\n".join(
            [
                line.format(f"process A (1) > jobId: 1; workDir: {work}/aa/1"),
                line.format(f"process A (2) > jobId: 2; workDir: {work}/aa/2"),
                line.format(f"process A (3) > jobId: 3; workDir: {tmp_path}/other"),
                line.format(f"process A (4) > jobId: 4_1; workDir: {work}/aa/4"),
                "x" * 200_000,
                line.format(f"process {'y' * 70_000} > jobId: 5; workDir: {work}/5"),
            ]
        )
    )
    places = ("aa/1", "aa/other", "../other", "aa/4", "5", "aa/6")
    jobs = {f"{number}": work / place for number, place in enumerate(places, 1)}
    sent = slurm_jobs.sent_tasks(log)
    assert slurm_jobs.left_of(sent, jobs, work) == ["1", "4"]
    assert slurm_jobs.sent_tasks(tmp_path / "none") == {}


@pytest.mark.parametrize("value", ["a b", "$(touch {0})", "'; touch {0} #", "a\nb"])
def test_what_is_asked_of_slurm_no_shell_reads(
    site: Site, cluster: ComputeEnvironment, tmp_path: Path, value: str
) -> None:
    touched = tmp_path / "touched"
    cluster.account = cluster.queue = value.format(touched)
    cluster.save()
    launch = site.submit(compute=cluster, params=ENDS)
    end(launch)
    assert (launch.state, launch.code) == (LaunchState.FAILED, "slurm_refused")
    assert not touched.exists()


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
