"""How workflows stand and how they end."""

from __future__ import annotations

import pytest

from tests.turret.engine.recorded import everything, last
from turret.engine.records import Counters, Run
from turret.engine.states import Done, batch_id, done_of, true_failures, verdict
from turret.engine.trace import read_complete
from turret.words import Status

S = Status


@pytest.mark.parametrize(
    ("run", "counters", "status"),
    [
        (Run(success=True, exit_status=0), Counters(succeeded=2), S.SUCCEEDED),
        (Run(success=True), Counters(), S.SUCCEEDED),
        (Run(success=True), Counters(failed=3, ignored=3), S.SUCCEEDED),
        # What says success stays it, whatever the counters are.
        (Run(success=True), Counters(failed=3, pending=1), S.SUCCEEDED),
        (Run(success=True, fail_on_ignore=True), Counters(succeeded=2), S.SUCCEEDED),
        (
            Run(success=True, exit_status=0, fail_on_ignore=True),
            Counters(failed=1, ignored=1),
            S.FAILED,
        ),
        (Run(success=True, error_report="SIGTERM"), Counters(), S.SUCCEEDED),
        (Run(success=False, error_report="SIGINT"), Counters(aborted=2), S.CANCELLED),
        (Run(success=False, error_report="SIGTERM"), Counters(), S.CANCELLED),
        (Run(success=False, error_report="SIGHUP\n"), Counters(), S.CANCELLED),
        (
            Run(success=False, error_report="SIGTERM", exit_status=1),
            Counters(),
            S.FAILED,
        ),
        (Run(success=False, error_report="SIGINT was sent"), Counters(), S.FAILED),
        (
            Run(success=False, exit_status=137, error_report="x" * 2**20),
            Counters(),
            S.FAILED,
        ),
        (Run(success=False), Counters(), S.FAILED),
        # A client that does not say whether it went well.
        (Run(exit_status=0), Counters(), S.SUCCEEDED),
        (Run(exit_status=1), Counters(), S.FAILED),
        (Run(error_message="No such file"), Counters(), S.FAILED),
        (Run(error_report="SIGINT"), Counters(), S.CANCELLED),
        (Run(), Counters(succeeded=2), S.UNKNOWN),
    ],
)
def test_the_verdict(run: Run, counters: Counters, status: Status) -> None:
    assert verdict(run, counters) is status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("success", S.SUCCEEDED),
        ("retry", S.SUCCEEDED),
        ("ignore", S.SUCCEEDED),
        ("preview", S.SUCCEEDED),
        ("failed", S.FAILED),
        ("finish", S.FAILED),
        ("odd-finite", S.FAILED),
        ("cancelled-int", S.CANCELLED),
        ("cancelled-term", S.CANCELLED),
        ("22.10.6/cancelled-term", S.CANCELLED),
    ],
)
def test_the_verdict_of_what_nextflow_sent(name: str, status: Status) -> None:
    call = read_complete(last(name, "complete"))
    assert call.progress
    assert verdict(call.run, call.progress.counters) is status


@pytest.mark.parametrize(
    ("counters", "failures"),
    [
        (Counters(failed=5, ignored=2, retries=1), 2),
        (Counters(failed=3, ignored=3), 0),
        (Counters(failed=1, retries=2), 0),
        (Counters(), 0),
    ],
)
def test_true_failures(counters: Counters, failures: int) -> None:
    assert true_failures(counters) == failures


@pytest.mark.parametrize(
    ("counters", "expected"),
    [
        (Counters(), Done(0, 0, 0)),
        (Counters(pending=3, submitted=2, running=1), Done(0, 6, 0)),
        (Counters(succeeded=3, cached=3, running=2), Done(6, 8, 75)),
        # An attempt that failed and its retry are one task.
        (Counters(succeeded=1, failed=2, retries=2, running=1), Done(1, 2, 50)),
        (Counters(succeeded=3, failed=2, retries=2), Done(3, 3, 100)),
        (Counters(succeeded=1, failed=1, ignored=1, aborted=2), Done(4, 4, 100)),
        (Counters(succeeded=999, pending=1), Done(999, 1000, 99)),
        # Both come from clients whose counts are off.
        (Counters(succeeded=2, running=-1, pending=1), Done(2, 3, 66)),
        (Counters(succeeded=2, failed=1, retries=3), Done(2, 2, 100)),
    ],
)
def test_how_much_is_done(counters: Counters, expected: Done) -> None:
    assert done_of(counters) == expected
    assert expected.left == expected.total - expected.done


def test_all_is_done_at_the_end() -> None:
    assert done_of(Counters(succeeded=3, aborted=2, pending=1), ended=True) == Done(
        5, 5, 100
    )
    assert done_of(Counters(), ended=True) == Done(0, 0, 100)


def test_all_is_done_at_the_end_of_what_nextflow_sent() -> None:
    ends = [
        read_complete(call.body) for call in everything() if call.verb == "complete"
    ]
    assert ends
    for end in ends:
        assert end.progress
        done = done_of(end.progress.counters, ended=True)
        assert (done.percent, done.left) == (100, 0)
        # What is left over comes from cuts alone.
        if end.run.success:
            assert done_of(end.progress.counters).left == 0


@pytest.mark.parametrize(
    ("run_name", "expected"),
    [
        ("dispatcher_batch7", "batch7"),
        ("mad_curie", "mad_curie"),
        ("my_dispatcher_batch7", "my_dispatcher_batch7"),
        ("dispatcher_", "dispatcher_"),
        ("", ""),
    ],
)
def test_batches_are_named_by_runs(run_name: str, expected: str) -> None:
    assert batch_id(run_name, "dispatcher_") == expected


def test_without_a_prefix_the_run_name_is_the_batch() -> None:
    assert batch_id("dispatcher_batch7", "") == "dispatcher_batch7"
