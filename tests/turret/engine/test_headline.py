from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from turret.engine.headline import Story, eta_s, headline, slow_process
from turret.engine.records import Counters, Process
from turret.words import Status

NOW = dt.datetime(2026, 8, 22, 12, tzinfo=dt.UTC)


def ago(**span: float) -> dt.datetime:
    return NOW - dt.timedelta(**span)


# 84 of 96 tasks took 98 minutes.
RUNNING = Story(
    status=Status.RUNNING,
    since=ago(minutes=98),
    last_seen_at=NOW,
    counters=Counters(pending=4, submitted=2, running=6, succeeded=84),
    processes=[
        Process(name="RNASEQ:QC", running=2, succeeded=48),
        Process(name="RNASEQ:QUANT:ALIGN", pending=4, running=6, succeeded=36),
    ],
    begun_at=ago(minutes=98),
)
ENDED = replace(
    RUNNING,
    counters=Counters(succeeded=90, cached=6, failed=3, retries=2),
    since=ago(hours=2),
    last_seen_at=ago(hours=2),
    duration_s=3_900,
)


def with_counters(story: Story, **counts: int) -> Story:
    return replace(story, counters=replace(story.counters, **counts), processes=())


@pytest.mark.parametrize(
    ("story", "words"),
    [
        (RUNNING, "12 of 96 tasks left, about 14 min; ALIGN is the slow one."),
        (
            with_counters(RUNNING, failed=3, retries=1, ignored=1),
            "12 of 98 tasks left, about 13 min. 1 task failed.",
        ),
        (
            with_counters(RUNNING, pending=0, submitted=0, running=0),
            "84 tasks done; it has not said yet that it has ended.",
        ),
        (
            replace(RUNNING, counters=Counters(), since=ago(minutes=3)),
            "Running for 3 min; there is no task yet.",
        ),
        (
            replace(RUNNING, stalled_at=NOW, last_seen_at=ago(minutes=7)),
            (
                "Nothing was heard of it for 7 min, with 12 of 96 tasks left. Look "
                "whether Nextflow still runs where it was started."
            ),
        ),
        (
            replace(RUNNING, status=Status.SUBMITTED, since=ago(seconds=12)),
            "Nextflow has been compiling its script for 12 s; there is no task yet.",
        ),
        (
            replace(RUNNING, status=Status.UNKNOWN, last_seen_at=ago(hours=3)),
            (
                "Nobody knows how it ended: last heard of 3 h ago, with 12 of 96 tasks "
                "left."
            ),
        ),
        (
            replace(
                RUNNING,
                status=Status.UNKNOWN,
                begun_at=None,
                last_seen_at=ago(hours=3),
            ),
            (
                "It never began: nothing was heard since it was created, 3 h ago. Its "
                "script may not compile; look at .nextflow.log where it was started."
            ),
        ),
        (
            replace(ENDED, status=Status.SUCCEEDED),
            "Succeeded 2 h ago after 1 h 5 min: 97 tasks, 6 cached, 2 tried again.",
        ),
        (
            replace(
                with_counters(ENDED, failed=2, retries=0, ignored=2),
                status=Status.SUCCEEDED,
                duration_s=None,
            ),
            "Succeeded 2 h ago: 98 tasks, 6 cached, 2 failed and ignored.",
        ),
        (
            replace(ENDED, status=Status.FAILED, cause="It was out of memory."),
            "Failed 2 h ago after 1 h 5 min. It was out of memory. 1 task failed.",
        ),
        (
            replace(with_counters(ENDED, failed=0, retries=0), status=Status.FAILED),
            "Failed 2 h ago after 1 h 5 min.",
        ),
        (
            replace(
                with_counters(ENDED, aborted=4, failed=0, retries=0),
                status=Status.CANCELLED,
            ),
            "Cancelled 2 h ago after 1 h 5 min, with 4 of 100 tasks left.",
        ),
    ],
)
def test_a_workflow_is_told_in_a_sentence(story: Story, words: str) -> None:
    assert headline(story, NOW) == words


@pytest.mark.parametrize(
    "story",
    [
        # Cached tasks say nothing of the pace.
        with_counters(RUNNING, cached=80, succeeded=2),
        replace(RUNNING, begun_at=ago(seconds=5)),
        replace(RUNNING, begun_at=None),
        with_counters(RUNNING, pending=0, submitted=0, running=0),
    ],
)
def test_no_time_is_guessed_without_a_reason(story: Story) -> None:
    assert eta_s(story) is None


@pytest.mark.parametrize(
    ("left", "slow"),
    [
        ([1, 5], "B"),
        ([5, 1], "A"),
        ([2, 2, 2], ""),
        ([0, 0], ""),
        ([9], ""),  # there is no other
        ([-3, 2], "B"),
    ],
)
def test_the_slow_process_is_the_one_that_most_waits_for(
    left: list[int], slow: str
) -> None:
    names = ("RUN:A", "B", "RUN:SUB:C")
    processes = [
        Process(name=name, pending=number)
        for name, number in zip(names, left, strict=False)
    ]
    assert slow_process(processes) == slow
