"""The sentence that opens a workflow's page, and the time that it may still take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from seqhub.lib.units import counted, format_duration
from turret.engine.records import Counters, Process
from turret.engine.states import done_of, true_failures
from turret.words import Status, simple_name

# Before that nobody can tell how fast it goes.
_FEWEST_ENDED = 3
_SHORTEST_S = 20.0


@dataclass(frozen=True, slots=True)
class Story:
    """What a workflow has come to; times are aware."""

    status: Status
    since: dt.datetime  # it has had the status
    last_seen_at: dt.datetime
    counters: Counters
    processes: Sequence[Process] = field(default_factory=tuple)
    begun_at: dt.datetime | None = None
    stalled_at: dt.datetime | None = None
    duration_s: float | None = None
    cause: str = ""  # of a failure, as a sentence


def headline(story: Story, now: dt.datetime) -> str:
    """One or two plain sentences."""
    match story.status:
        case Status.SUBMITTED:
            since = _for(story.since, now)
            compiles = f"Nextflow has been compiling its script for {since}"
            return f"{compiles}; there is no task yet."
        case Status.RUNNING:
            return _when_running(story, now)
        case Status.UNKNOWN:
            return _when_unknown(story, now)
        case Status.SUCCEEDED:
            return _when_succeeded(story, now)
        case Status.FAILED:
            return _when_failed(story, now)
        case Status.CANCELLED:
            text = f"Cancelled {_ago(story.since, now)}{_after(story)}"
            return f"{text}{_what_was_left(story)}."


def eta_s(story: Story) -> float | None:
    """Seconds until the known tasks have ended, at the pace so far; None while it is
    not known. More tasks may come."""
    tasks = done_of(story.counters)
    # What was cached took no time.
    ended = tasks.done - max(story.counters.cached, 0)
    if story.begun_at is None or ended < _FEWEST_ENDED or not tasks.left:
        return None
    took_s = (story.last_seen_at - story.begun_at).total_seconds()
    return None if took_s < _SHORTEST_S else took_s * tasks.left / ended


def slow_process(processes: Sequence[Process]) -> str:
    """The simple name of the process that most of the work is left for, if there is
    one."""
    if len(processes) < 2:
        return ""
    left = [done_of(process).left for process in processes]
    most = max(left)
    if not most or 2 * most < sum(left):
        return ""
    return simple_name(processes[left.index(most)].name)


def _when_running(story: Story, now: dt.datetime) -> str:
    if story.stalled_at is not None:
        silence = _for(story.last_seen_at, now)
        text = f"Nothing was heard of it for {silence}{_what_was_left(story)}."
        return f"{text} Look whether Nextflow still runs where it was started."
    tasks = done_of(story.counters)
    if not tasks.total:
        return f"Running for {_for(story.since, now)}; there is no task yet."
    failed = true_failures(story.counters)
    trouble = f" {_failed(failed)}." if failed else ""
    if not tasks.left:
        done = counted(tasks.done, "task")
        return f"{done} done; it has not said yet that it has ended.{trouble}"
    text = f"{tasks.left:,} of {counted(tasks.total, 'task')} left"
    soon = eta_s(story)
    if soon is not None:
        text += f", about {format_duration(soon, units=1)}"
    if slow := slow_process(story.processes):
        text += f"; {slow} is the slow one"
    return f"{text}.{trouble}"


def _when_unknown(story: Story, now: dt.datetime) -> str:
    if story.begun_at is None:
        return (
            f"It never began: nothing was heard since it was created, "
            f"{_ago(story.last_seen_at, now)}. Its script may not compile; look at "
            ".nextflow.log where it was started."
        )
    text = f"Nobody knows how it ended: last heard of {_ago(story.last_seen_at, now)}"
    return f"{text}{_what_was_left(story)}."


def _when_succeeded(story: Story, now: dt.datetime) -> str:
    counters = story.counters
    text = f"Succeeded {_ago(story.since, now)}{_after(story)}"
    parts = [counted(done_of(counters, ended=True).total, "task")]
    if counters.cached > 0:
        parts.append(f"{counters.cached:,} cached")
    if counters.retries > 0:
        parts.append(f"{counters.retries:,} tried again")
    if counters.ignored > 0:
        parts.append(f"{counters.ignored:,} failed and ignored")
    return f"{text}: {', '.join(parts)}."


def _when_failed(story: Story, now: dt.datetime) -> str:
    text = f"Failed {_ago(story.since, now)}{_after(story)}"
    if story.cause:
        text += f". {story.cause.rstrip('.')}"
    failed = true_failures(story.counters)
    return f"{text}. {_failed(failed)}." if failed else f"{text}."


def _failed(number: int) -> str:
    return f"{counted(number, 'task')} failed"


def _what_was_left(story: Story) -> str:
    tasks = done_of(story.counters)
    # An aborted task is over, but not done.
    left = tasks.left + max(story.counters.aborted, 0)
    if not left:
        return ""
    return f", with {left:,} of {counted(tasks.total, 'task')} left"


def _after(story: Story) -> str:
    if story.duration_s is None:
        return ""
    return f" after {format_duration(story.duration_s)}"


def _for(start: dt.datetime, end: dt.datetime) -> str:
    return format_duration((end - start).total_seconds())


def _ago(at: dt.datetime, now: dt.datetime) -> str:
    return f"{format_duration((now - at).total_seconds(), units=1)} ago"
