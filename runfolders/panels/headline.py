"""The sentence that opens a run's page: what it waits for, and since when."""

from __future__ import annotations

import datetime as dt

from runfolders.choices import Outcome, RootStatus, Sequencing, State
from runfolders.models import Hold, Runfolder
from seqhub.lib.units import format_duration

_STATE_SENTENCES: dict[str, str] = {
    State.NONE: "Complete, but not offered to API clients",
    State.READY: "Complete. Waiting to be picked up by an API client",
    State.PENDING: "Picked up by an API client, which has not started yet",
    State.STARTED: "An API client has been working on it",
    State.DONE: "Done: an API client has finished with it",
    State.ERROR: "An API client reported an error",
    State.CANCELLED: "An API client gave it up",
}
# After these words a duration says how long ago, not how long it has taken.
_ENDED = frozenset({State.DONE, State.ERROR, State.CANCELLED})


def headline(
    run: Runfolder,
    now: dt.datetime,
    *,
    hold: Hold | None = None,
    usual_settling_s: tuple[float, float] | None = None,
) -> str:
    """What the run waits for, since when, and what is normal if that is known.

    `usual_settling_s`: the range in which this instrument's runs settle.
    """
    if run.ignored_at:
        ago = _duration(run.ignored_at, now)
        return f"Ignored for {ago}: hidden from lists and from the API."
    if run.root.status == RootStatus.MISSING:
        ago = _duration(run.root.status_since, now)
        return (
            f"Its directory {run.root.path} has been missing for {ago}; "
            "nothing new is known of the run until it is back."
        )
    if run.sequencing == Sequencing.VANISHED:
        ago = _duration(run.vanished_at or run.sequencing_since, now)
        return f"No longer on disk for {ago}, though its root is there."
    if hold:
        reason = hold.reason.rstrip(".")
        return f"On hold for {_duration(hold.held_at, now)}: {reason}."
    if run.sequencing == Sequencing.COMPLETE:
        return _when_complete(run, now)
    if run.sequencing == Sequencing.SETTLING:
        return _when_settling(run, now, usual_settling_s)
    if run.sequencing == Sequencing.SEQUENCING:
        return _when_sequencing(run, now)
    ago = _duration(run.sequencing_since, now)
    reason = run.outcome_message or run.sequencing_reason
    what = "Failed" if run.sequencing == Sequencing.FAILED else "Can't be read"
    return _sentence(
        f"{what} for {ago}" if what != "Failed" else f"{what} {ago} ago", reason
    )


def _when_sequencing(run: Runfolder, now: dt.datetime) -> str:
    cycle = ""
    if run.cycles_done is not None and run.total_cycles:
        cycle = f" at cycle {run.cycles_done} of {run.total_cycles}"
    last = run.progress_at or run.sequencing_since
    if run.stalled_at:
        return (
            f"Stalled{cycle}: nothing new for {_duration(last, now)}. "
            "Look at the instrument, or mark the run as failed."
        )
    if not cycle:
        return _sentence(
            f"Sequencing for {_duration(run.sequencing_since, now)}",
            run.sequencing_reason,
        )
    return f"Sequencing{cycle}; the last new cycle came {_duration(last, now)} ago."


def _when_settling(
    run: Runfolder, now: dt.datetime, usual: tuple[float, float] | None
) -> str:
    reason = run.sequencing_reason.rstrip(".") or "The last files are being copied"
    text = f"{reason[:1].upper()}{reason[1:]}. Settling for "
    text += _duration(run.sequencing_since, now)
    if usual:
        low, high = (format_duration(seconds, units=1) for seconds in usual)
        text += f"; usually {low}" if low == high else f"; usually {low} to {high}"
    elif run.due_at and run.due_at > now:
        left = format_duration((run.due_at - now).total_seconds(), units=1)
        text += f"; {left} to go"
    if run.stalled_at:
        text += ". This is longer than expected"
    return f"{text}."


def _when_complete(run: Runfolder, now: dt.datetime) -> str:
    early = ""
    if run.outcome == Outcome.ENDED_EARLY:
        early = " The sequencing ended early."
    ago = _duration(run.state_since, now)
    tail = f"{ago} ago" if run.state in _ENDED else f"for {ago}"
    return f"{_STATE_SENTENCES[run.state]}, {tail}.{early}"


def _duration(start: dt.datetime, end: dt.datetime) -> str:
    return format_duration((end - start).total_seconds())


def _sentence(start: str, reason: str) -> str:
    reason = reason.rstrip(".")
    return f"{start}: {reason}." if reason else f"{start}."
