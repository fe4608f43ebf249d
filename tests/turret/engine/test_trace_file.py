from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from turret.engine.nextflow_log import parse_nf_log
from turret.engine.trace_file import parse_nf_trace, trace_path_for_log

DATA = Path(__file__).parents[2] / "data" / "nextflow"
LAUNCHED = DATA / "launched"
NOTHING = {"completed": 0, "cached": 0, "failed": 0, "total": 0, "failures": []}


def test_the_tasks_of_a_real_trace_are_counted() -> None:
    assert parse_nf_trace(DATA / "failed.trace.txt") == {
        "completed": 6,
        "cached": 0,
        "failed": 1,
        "total": 8,
        "failures": [{"name": "BAD (3)", "exit": 1, "hash": "94/a06f9e"}],
    }


def test_columns_may_come_in_any_order_and_be_absent(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    trace.write_text("exit\tstatus\n0\tCACHED\n-\tFAILED\n2147483647\tFAILED\n")
    found = parse_nf_trace(trace)
    assert (found["cached"], found["failed"], found["total"]) == (1, 2, 3)
    assert found["failures"] == [{"name": "", "exit": None, "hash": ""}] * 2


def test_five_failures_are_told_and_all_are_counted(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    rows = [f"ab/{n:06}\tALIGN ({n})\tFAILED\t{n}" for n in range(1, 8)]
    trace.write_text("\n".join(["hash\tname\tstatus\texit", *rows]))
    found = parse_nf_trace(str(trace))
    assert found["failed"] == 7
    assert [one["exit"] for one in found["failures"]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no\ttrace\n1\t2\n",
        b"status\n",
        b"\xff\xfe\0\n" * 5,
    ],
)
def test_what_is_no_trace_has_no_tasks(content: bytes | None, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    if content is not None:
        trace.write_bytes(content)
    assert parse_nf_trace(trace) == NOTHING


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "trace.txt")
    assert parse_nf_trace(tmp_path / "trace.txt") == NOTHING
    assert parse_nf_trace(tmp_path) == NOTHING


def test_the_trace_of_a_log_lies_beside_it(tmp_path: Path) -> None:
    log = tmp_path / "batch7.log"
    assert trace_path_for_log(str(log)) == tmp_path / "batch7.trace.txt"


def test_of_a_launch_directory_it_is_the_youngest(tmp_path: Path) -> None:
    log = tmp_path / ".nextflow.log"
    assert trace_path_for_log(log) == tmp_path / "trace.txt"
    for age, name in enumerate(["trace-20261122-5.txt", "trace.txt", "notes.txt"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1_000 - age, 1_000 - age))
    assert trace_path_for_log(log) == tmp_path / "trace-20261122-5.txt"


def test_it_is_the_one_that_the_log_names(tmp_path: Path) -> None:
    log = tmp_path / ".nextflow.log"
    shutil.copy(LAUNCHED / "finished" / "nextflow.log", log)
    for name in ("trace.txt", "trace-20261122-5.txt"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "trace.txt", (1_000, 1_000))
    assert trace_path_for_log(log) == tmp_path / "trace.txt"


@pytest.mark.parametrize("named", ["/", "..", "/a/.."])
def test_what_is_no_name_of_a_file_is_not_taken(tmp_path: Path, named: str) -> None:
    log = tmp_path / ".nextflow.log"
    line = "Nov-22 16:57:06.889 [main] DEBUG nextflow.Session - Workflow started -- "
    log.write_text(f"{line}trace file: {named}\n")
    assert trace_path_for_log(log) == tmp_path / "trace.txt"


def test_an_earlier_run_s_is_not_taken(tmp_path: Path) -> None:
    """Of a run that wrote none, in a directory where another did."""
    log, old = tmp_path / ".nextflow.log", tmp_path / "trace-20261122-5.txt"
    shutil.copy(LAUNCHED / "finished" / "trace.txt", old)
    os.utime(old, (1_000, 1_000))
    log.write_text("Nov-22 16:57:06.889 [main] DEBUG nextflow.Session - Run name: b\n")
    os.utime(log, (1_800_000_000, 1_800_000_000))
    assert trace_path_for_log(log) == tmp_path / "trace.txt"
    assert parse_nf_log(log)["progress"] is None
