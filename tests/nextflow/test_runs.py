"""The pipelines of tests/data, run by the real Nextflow: what launching stands on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seqhub.lib.processes import session_members
from tests.nextflow.runs import PATIENCE_S, Run, end

pytestmark = pytest.mark.slow

# An entry of Nextflow's index: a task's hash, and whether it was cached.
INDEXED_BYTES = 17


@pytest.fixture
def run(nextflow: Path, tmp_path: Path) -> Run:
    return Run(nextflow, tmp_path / "run")


@contextmanager
def asleep(run: Run) -> Iterator[subprocess.Popen[bytes]]:
    """A run of `sleeps` whose quick task is done and whose other one sleeps."""
    process = run.start("sleeps", "--samples", "å")
    try:
        run.wait_until(lambda: "SLEEP (å)" in run.printed)
        yield process
    finally:
        end(process)


def indexed_bytes(run: Run) -> int:
    """Size of Nextflow's index of the tasks that its cache knows of this run."""
    found = (run.directory / ".nextflow" / "cache").glob("*/index.*")
    return sum(file.stat().st_size for file in found)


def test_three_processes_make_one_table(run: Run, tmp_path: Path) -> None:
    results = tmp_path / "results"
    values = tmp_path / "params.json"
    values.write_text(json.dumps({"outdir": str(results), "lines": 7}))
    assert run.finish("three", "-profile", "test", "-params-file", str(values)) == 0
    assert (results / "counts.tsv").read_text() == "a\t7\nb\t7\n"
    names = ["COUNT (a)", "COUNT (b)", "MAKE (a)", "MAKE (b)", "MERGE"]
    assert run.tasks() == [(name, "COMPLETED", "0") for name in names]


def test_a_task_that_fails_is_tried_once_more(run: Run) -> None:
    assert run.finish("fails", "--samples", "b") == 1
    assert run.tasks() == [("WORK (b)", "FAILED", "137")] * 2
    assert "terminated with an error exit status (137)" in run.printed


def test_a_cancelled_run_ends_its_tasks(run: Run) -> None:
    with asleep(run) as process:
        process.terminate()
        assert process.wait(PATIENCE_S) == 1
        run.wait_until(lambda: session_members(process.pid) == [])
    slept = ("SLEEP (å)", "ABORTED", "-")
    assert run.tasks() == [("QUICK (å)", "COMPLETED", "0"), slept]


def test_a_killed_run_is_resumed_in_another_directory(run: Run, tmp_path: Path) -> None:
    with asleep(run) as process:
        # Nextflow writes its cache a moment after it has printed, task by task.
        run.wait_until(lambda: indexed_bytes(run) >= 2 * INDEXED_BYTES)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    assert run.tasks() == [("QUICK (å)", "COMPLETED", "0")]

    history = (run.directory / ".nextflow" / "history").read_text()
    session = history.rstrip("\n").split("\t")[5]
    again = Run(run.nextflow, tmp_path / "again", lineage=run.directory)
    changed = ["--samples", "å", "--seconds", "0"]
    done = again.finish("sleeps", *changed, "-resume", session)
    assert done == 0, again.printed
    slept = ("SLEEP (å)", "COMPLETED", "0")
    assert again.tasks() == [("QUICK (å)", "CACHED", "0"), slept]
