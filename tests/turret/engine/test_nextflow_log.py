from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from turret.engine.nextflow_log import parse_nf_log

DATA = Path(__file__).parents[2] / "data" / "nextflow"
STAMP = "Nov-22 14:12:36.307"
SENT = "executor.GridTaskHandler - [SLURM] submitted process"
COMPLETED = "n.processor.TaskPollingMonitor - Task completed > TaskHandler["


def log_of(tmp_path: Path, *messages: str) -> dict[str, Any]:
    """What is read of a log with these lines, each after time and thread."""
    path = tmp_path / ".nextflow.log"
    lines = [f"{STAMP} [Task monitor] {message}" for message in messages]
    path.write_text("\n".join(lines))
    return parse_nf_log(path)


def submitted(number: int) -> str:
    return f"INFO  nextflow.Session - [ab/{number:06}] Submitted process > A ({number})"


def ended(number: int, exit_status: int, job: str = "") -> str:
    return (
        f"DEBUG {COMPLETED}{job}id: {number}; name: A ({number}); status: COMPLETED;"
        f" exit: {exit_status}; error: -; workDir: /w/ab/{number:06}ffff]"
    )


def test_an_error_without_a_name_is_told_by_its_exception(tmp_path: Path) -> None:
    cause = "java.lang.UnsupportedOperationException: Missing plugin nf-tower 1.9.3"
    path = tmp_path / ".nextflow.log"
    path.write_text(
        f"{STAMP} [main] ERROR nextflow.cli.Launcher - @unknown\n{cause}\n\tat x.Y\n"
    )
    found = parse_nf_log(path)
    assert (found["error_count"], found["first_error"]) == (1, cause)


@pytest.mark.parametrize(
    ("name", "progress", "failures"),
    [
        ("failed", (100, 8, 8), [("BAD (3)", 1)]),
        ("retry", (100, 3, 3), [("FLAKY (2)", 137), ("FLAKY (2)", 137)]),
        ("ignored", (100, 3, 3), [("MAYBE (2)", 3)]),
        ("cancelled", (100, 6, 6), [("SLEEP (2)", 130)]),
    ],
)
@pytest.mark.parametrize("has_trace", [True, False])
def test_real_logs_are_read_to_the_end(
    name: str,
    progress: tuple[int, int, int],
    failures: list[tuple[str, int]],
    has_trace: bool,
    tmp_path: Path,
) -> None:
    shutil.copy(DATA / f"{name}.log", tmp_path)
    if has_trace:
        shutil.copy(DATA / f"{name}.trace.txt", tmp_path)
    found = parse_nf_log(tmp_path / f"{name}.log")
    assert tuple(found["progress"].values()) == progress
    assert [(one["name"], one["exit"]) for one in found["failures"]] == failures
    assert found["killed"] is (name == "cancelled")


def test_warnings_and_errors_are_told() -> None:
    found = parse_nf_log(DATA / "failed.log")
    assert (found["warn_count"], found["error_count"]) == (1, 1)
    assert found["last_warn"] == "Killing running tasks (1)"
    assert found["first_error"] == "Error executing process > 'BAD (3)'"
    assert found["slurm_jobs"] == []


def test_what_was_printed_is_read_too() -> None:
    found = parse_nf_log(DATA / "printed.txt")
    assert found["progress"] == {"pct": 100, "done": 3, "total": 3}


@pytest.mark.parametrize(
    ("printed", "progress"),
    [
        (["[1a/2b3c4d] ALIGN (3) [ 33%] 3 of 9"], (33, 3, 9)),
        (["[1a/2b3c4d] process > ALIGN (3) [ 33%] 3 of 9"], (33, 3, 9)),
        (["\x1b[2m[\x1b[0;34m1a/2b3c4d\x1b[2m] \x1b[0;2mALIGN | 1 of 4"], (25, 1, 4)),
        (
            [
                "[1a/2b3c4d] ALIGN (1) | 1 of 4",
                "[-        ] SORT -",
                "[1a/2b3c4d] ALIGN (2) | 4 of 4 ✔",
                "[skipped  ] SORT (1) | 0 of 4",
            ],
            (50, 4, 8),
        ),
    ],
)
def test_lines_that_are_drawn_over_count_once(
    printed: list[str], progress: tuple[int, int, int], tmp_path: Path
) -> None:
    path = tmp_path / "run.log"
    path.write_text("\n".join(printed))
    assert tuple(parse_nf_log(path)["progress"].values()) == progress


def test_a_run_in_the_middle_counts_what_was_submitted(tmp_path: Path) -> None:
    lines = [submitted(1), submitted(2), submitted(3), submitted(4), ended(1, 0)]
    cached = "INFO  nextflow.Session - [cd/000001] Cached process > B (1)"
    found = log_of(tmp_path, *lines, cached)
    assert found["progress"] == {"pct": 40, "done": 2, "total": 5}


def test_an_attempt_that_is_tried_again_is_no_task_of_its_own(tmp_path: Path) -> None:
    again = (
        "INFO  n.processor.TaskProcessor - [ab/000001] NOTE: Process `A (1)` terminated"
        " with an error exit status (137) -- Execution is retried (1)"
    )
    found = log_of(tmp_path, submitted(1), ended(1, 137), again, submitted(2))
    assert found["progress"] == {"pct": 0, "done": 0, "total": 1}


def test_the_trace_file_knows_better(tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text(
        "hash\tname\tstatus\texit\nab/000001\tA (1)\tCOMPLETED\t0\n"
        "ab/000002\tA (2)\tFAILED\t7\n"
    )
    found = log_of(tmp_path, submitted(1), submitted(2), submitted(3), submitted(4))
    assert found["progress"] == {"pct": 50, "done": 2, "total": 4}
    assert found["failures"] == [{"name": "A (2)", "exit": 7, "hash": "ab/000002"}]


def test_jobs_of_slurm_are_listed_with_their_exit(tmp_path: Path) -> None:
    found = log_of(
        tmp_path,
        f"DEBUG n.{SENT} A (1) > jobId: 4711; workDir: /w/ab/000001ffff",
        f"DEBUG n.{SENT} A (2) > jobId: 4712; workDir: /w/ab/000002ffff",
        ended(1, 9, job="jobId: 4711; "),
    )
    assert found["slurm_jobs"] == [
        {"job_id": "4711", "name": "A (1)", "exit": 9},
        {"job_id": "4712", "name": "A (2)", "exit": None},
    ]
    assert found["failures"] == [{"name": "A (1)", "exit": 9, "hash": "ab/000001"}]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\0\xff" * 100_000,
        b"[" * 200_000,
        b"[a] " + b"x" * 200_000,
        b"Workflow completed > WorkflowStats " + b"a" * 200_000,
    ],
)
def test_what_is_no_log_says_nothing(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    if content is not None:
        path.write_bytes(content)
    assert parse_nf_log(path) == {
        "progress": None,
        "slurm_jobs": [],
        "warn_count": 0,
        "last_warn": "",
        "error_count": 0,
        "first_error": "",
        "killed": False,
        "failures": [],
    }
