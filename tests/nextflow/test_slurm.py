"""The real SLURM of the tests: what launching on clusters stands on."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.nextflow.runs import PIPELINES, environment
from tests.slurm import Slurm

pytestmark = pytest.mark.slow


def submit(slurm: Slurm, directory: Path, *lines: str) -> str:
    """Submit a batch script; the job's number."""
    script = directory / "job.sh"
    script.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    output = f"--output={directory}/printed"
    number = slurm.run("sbatch", "--parsable", f"--chdir={directory}", output, script)
    assert number.isdecimal()
    return number


def test_a_job_runs_and_is_cancelled(slurm: Slurm, tmp_path: Path) -> None:
    number = submit(slurm, tmp_path, "sleep 600")
    assert slurm.wait_for(number, "RUNNING")["WorkDir"] == str(tmp_path)
    assert slurm.run("squeue", "-h", "-j", number, "-o", "%T %P") == "RUNNING main"
    slurm.run("scancel", number)
    slurm.wait_for(number, "CANCELLED")


def test_the_exit_code_is_known(slurm: Slurm, tmp_path: Path) -> None:
    number = submit(slurm, tmp_path, "echo hello", "exit 3")
    # The exit code, and the signal that ended it.
    assert slurm.wait_for(number, "FAILED")["ExitCode"] == "3:0"
    assert (tmp_path / "printed").read_text() == "hello\n"


def test_a_job_outlives_the_controller(slurm: Slurm, tmp_path: Path) -> None:
    number = submit(slurm, tmp_path, "sleep 600")
    slurm.wait_for(number, "RUNNING")
    slurm.stop_controller()
    try:
        assert slurm.job(number) == {}
    finally:
        slurm.start_controller()
    slurm.wait_for(number, "RUNNING")
    slurm.run("scancel", number)
    slurm.wait_for(number, "CANCELLED")


def test_nextflow_runs_as_a_job(slurm: Slurm, nextflow: Path, tmp_path: Path) -> None:
    env = [
        f"export {name}={shlex.quote(value)}"
        for name, value in environment(tmp_path).items()
    ]
    command = [str(nextflow), "run", str(PIPELINES / "three"), "-profile", "test"]
    number = submit(slurm, tmp_path, *env, shlex.join(command))
    slurm.wait_for(number, "COMPLETED")
    assert (tmp_path / "results" / "counts.tsv").read_text() == "a\t3\nb\t3\n"
