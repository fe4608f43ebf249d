"""A whole site that launches on a real SLURM, killed and found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.e2e.sites import Site, eventually, new_site
from tests.e2e.test_launch_kills import printed, state
from tests.nextflow.runs import PIPELINES, environment
from tests.slurm import Slurm
from turret.engine.launching.files import LaunchFiles

pytestmark = pytest.mark.slow


@pytest.fixture
def site(
    nextflow: Path, slurm: Slurm, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    with new_site() as site:
        variables = {
            **environment(site.directory),
            "SLURM_CONF": slurm.env["SLURM_CONF"],
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        (site.directory / "seqhub.yaml").write_text(
            f"host: {site.host}\nturret:\n  launcher:\n    nextflow: {nextflow}\n"
        )
        site.start()
        # In the console a manager fills in a form.
        site.query(
            "INSERT INTO turret_computeenvironment (name, kind, host, queue, trace,"
            " is_configured, is_enabled, nextflow, work_dir, config_text, modules,"
            " pre_run, environment, account, head_cpus, head_memory_mb)"
            " VALUES ('cluster', 'slurm', %s, 'main', 'auto', false, true, '', '', '',"
            " '', '', '{}', '', 1, 300)",
            site.host,
        )
        try:
            yield site
        finally:
            slurm.run("scancel", "--user=root")


def launch(site: Site, *arguments: str) -> LaunchFiles:
    done = site.command("launch", *arguments, "--compute", "cluster")
    assert done.returncode == 0, done.stderr
    return LaunchFiles(site.data_dir / "launches" / done.stdout.strip())


def sleep(site: Site, seconds: int) -> LaunchFiles:
    values = ("--param", "samples=a", "--param", f"seconds={seconds}")
    files = launch(site, str(PIPELINES / "sleeps"), *values)
    eventually(lambda: "SLEEP (a)" in printed(files), f"its task\n{site.log}")
    eventually(lambda: state(site, files) == "running", f"its state\n{site.log}")
    return files


def resumed(site: Site, files: LaunchFiles, seconds: int) -> LaunchFiles:
    headers = {
        "Authorization": f"Bearer {site.make_token('write')}",
        "Content-Type": "application/json",
    }
    path = f"/api/launches/{files.directory.name}/resume"
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=30)) as web:
        body = json.dumps({"params": {"seconds": seconds}})
        web.request("POST", path, body, headers)
        told = json.load(web.getresponse())
    return LaunchFiles(site.data_dir / "launches" / told["launch_id"])


def tasks(site: Site, files: LaunchFiles) -> dict[str, str]:
    """Their states, by name."""
    return dict(
        site.query(
            "SELECT task.name, task.status FROM turret_workflowtask task"
            " JOIN turret_workflow workflow ON task.workflow_id = workflow.id"
            " WHERE workflow.workflow_id = %s",
            files.directory.name,
        )
    )


def heads(slurm: Slurm) -> set[str]:
    """The head jobs that run."""
    return set(slurm.run("squeue", "-h", "-t", "RUNNING", "-o", "%j").split())


def test_head_jobs_outlive_the_site_and_are_found_again(
    site: Site, slurm: Slurm
) -> None:
    short, long = sleep(site, 10), sleep(site, 600)
    jobs = {f"seqhub-{files.directory.name}" for files in (short, long)}
    site.kill_everything()
    assert heads(slurm) == jobs
    site.start()
    eventually(lambda: state(site, short) == "succeeded", f"its end\n{site.log}")
    assert tasks(site, short) == {"QUICK (a)": "completed", "SLEEP (a)": "completed"}
    assert state(site, long) == "running"

    assert site.command("cancel", long.directory.name).returncode == 0
    eventually(lambda: state(site, long) == "cancelled", f"the cancel\n{site.log}")
    eventually(lambda: not heads(slurm), "the end of its job")

    again = resumed(site, long, 1)
    eventually(lambda: state(site, again) == "succeeded", f"its end\n{site.log}")
    assert tasks(site, again) == {"QUICK (a)": "cached", "SLEEP (a)": "completed"}


def test_a_pipeline_runs_as_a_head_job(site: Site) -> None:
    files = launch(site, str(PIPELINES / "three"), "--profile", "test")
    eventually(lambda: tasks(site, files), f"its first task\n{site.log}")
    eventually(lambda: state(site, files) == "succeeded", f"its end\n{site.log}")
    assert len(tasks(site, files)) == 5
    assert set(tasks(site, files).values()) == {"completed"}
