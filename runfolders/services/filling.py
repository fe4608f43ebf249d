"""The columns of a run folder that a look at the disk decides."""

from __future__ import annotations

import datetime as dt

from runfolders.choices import IN_FLIGHT, Outcome, Platform, Sequencing, State
from runfolders.engine.completion import Marker, Situation, Verdict, judge
from runfolders.engine.facts import RunFacts
from runfolders.engine.listing import mark_unsure, shows_other_content
from runfolders.engine.look import Look
from runfolders.engine.values import plain_text
from runfolders.errors import UnknownState
from runfolders.models import Instrument, Runfolder
from runfolders.services.columns import (
    MAX_MESSAGE,
    fact_columns,
    facts_of,
    problem_rows,
    sheet_columns,
    text,
)
from runfolders.services.policy import Policy, clock
from runfolders.services.states import parse_state

CLOCK_SKEW = "clock_skew"
# Problems that no reading of the folder finds, so that none takes them back.
DUPLICATE = "duplicate_run_id"
UNKNOWN_STATE = "unknown_arteria_state"
_KEPT = (DUPLICATE, UNKNOWN_STATE)

# Of a copy that stands still for so long no more is expected.
LATE = dt.timedelta(days=1)
_IDENTIFIED_BY = {Platform.ILLUMINA.value: "RunInfo.xml"}


def fill(
    runfolder: Runfolder,
    look: Look,
    *,
    policy: Policy,
    now: dt.datetime,
    is_poll: bool = False,
    instruments: dict[str, Instrument] | None = None,
) -> Verdict:
    """Set the columns that a look decides, all but `sequencing` and its reason.

    `instruments`, by serial, saves a query a row where many are filled; those
    that are found are added to it.
    """
    runfolder.missing_since = None
    runfolder.signature = look.signature
    if look.error:
        # The last good values stay: a file that can't be read now says nothing.
        reason = plain_text(look.error, MAX_MESSAGE) or "it can't be read"
        verdict = Verdict(Sequencing.UNREADABLE, reason.rstrip("."))
    else:
        if look.facts is not None:
            cache = {} if instruments is None else instruments
            _fill_facts(runfolder, look, look.facts, cache)
        _fill_progress(runfolder, look, now)
        _fill_ending(runfolder, look)
        verdict = _judge(runfolder, look, policy, now, is_poll=is_poll)
        _fill_early_end(runfolder, verdict)
        _fill_problems(runfolder, look, verdict)
        _fill_stalled(runfolder, verdict, now)
    runfolder.due_at = _time(verdict.due_at)
    _fill_completion(runfolder, look, verdict, now)
    return verdict


def state_beside(runfolder: Runfolder, look: Look) -> State | None:
    """What the old service's clients said of the run, which still holds.

    None if nothing. An unknown word becomes a problem of the run.
    """
    word = look.arteria_state
    if word is None:
        return None
    try:
        state = parse_state(word)
    except UnknownState:
        message = f"The file .arteria/state holds an unknown word: {word[:50]!r}."
        problem = {"code": UNKNOWN_STATE, "message": message, "line": None}
        others = [p for p in runfolder.problems if p["code"] != UNKNOWN_STATE]
        runfolder.problems = [*others, problem]
        return None
    # The old service, too, went by the markers where the file says none.
    return None if state == State.NONE else state


def _fill_facts(
    runfolder: Runfolder, look: Look, facts: RunFacts, known: dict[str, Instrument]
) -> None:
    columns = {
        **fact_columns(facts),
        **sheet_columns(look.sheet, look.sheet_problems),
    }
    for name, value in columns.items():
        setattr(runfolder, name, value)
    runfolder.instrument = find_instrument(facts, known)


def find_instrument(facts: RunFacts, known: dict[str, Instrument]) -> Instrument | None:
    """The instrument that the facts name; it appears with its first run."""
    serial = text(Instrument, "serial", facts.instrument_id)
    if not serial:
        return None
    model = text(Instrument, "model", facts.instrument_model)
    instrument = known.get(serial)
    if instrument is None:
        instrument, _ = Instrument.objects.get_or_create(
            serial=serial, defaults={"model": model, "platform": facts.platform}
        )
        known[serial] = instrument
    # Instruments are upgraded, and an early run may not have told.
    if model and instrument.model != model:
        instrument.model = model
        instrument.save(update_fields=["model"])
    return instrument


def _fill_progress(runfolder: Runfolder, look: Look, now: dt.datetime) -> None:
    old = runfolder.markers
    markers = {
        name: {
            "mtime": mtime,
            # A marker that is written again begins its age anew.
            "first_seen": old[name]["first_seen"]
            if name in old and old[name]["mtime"] == mtime
            else now.timestamp(),
        }
        for name, mtime in (look.markers or {}).items()
    }
    done = look.cycles_done if look.cycles_done is not None else runfolder.cycles_done
    has_moved = (
        shows_other_content(look.before, look.signature)
        or markers != old
        or (done or 0) > (runfolder.cycles_done or 0)
        or runfolder.progress_at is None
    )
    runfolder.markers = markers
    runfolder.cycles_done = done
    if has_moved:
        runfolder.progress_at = now
        runfolder.stable_polls = 0


def _fill_ending(runfolder: Runfolder, look: Look) -> None:
    ending = look.ending
    runfolder.outcome = ending.outcome if ending else Outcome.UNKNOWN
    words = ": ".join(filter(None, (ending.raw, ending.message))) if ending else ""
    runfolder.outcome_message = plain_text(words, MAX_MESSAGE) or ""


def _fill_early_end(runfolder: Runfolder, verdict: Verdict) -> None:
    """Where the instrument does not say that the run ended early its cycles do.

    Some write "RunCompleted" or "OutcomeCompleted" of such runs, too: they have no
    other word for an end without an error.
    """
    may_be_early = runfolder.outcome in {Outcome.UNKNOWN, Outcome.OK}
    is_complete = verdict.sequencing == Sequencing.COMPLETE
    if may_be_early and is_complete and _lacks_cycles(runfolder):
        cycles = f"{runfolder.cycles_done} of {runfolder.total_cycles} cycles are there"
        runfolder.outcome = Outcome.ENDED_EARLY
        runfolder.outcome_message = "; ".join(
            filter(None, (runfolder.outcome_message, cycles))
        )


def _lacks_cycles(runfolder: Runfolder) -> bool:
    """Whether some cycles are there, and less than were planned."""
    return 0 < (runfolder.cycles_done or 0) < (runfolder.total_cycles or 0)


def _judge(
    runfolder: Runfolder,
    look: Look,
    policy: Policy,
    now: dt.datetime,
    *,
    is_poll: bool,
) -> Verdict:
    facts = look.facts or facts_of(runfolder)
    rule = policy.rule_for(facts)
    if is_poll and runfolder.progress_at != now:
        runfolder.stable_polls = min(runfolder.stable_polls + 1, rule.stable_polls)
    identified_by = _IDENTIFIED_BY.get(facts.platform, "")
    situation = Situation(
        markers={
            name: Marker(marker["mtime"], marker["first_seen"])
            for name, marker in runfolder.markers.items()
        },
        now=now.timestamp(),
        progress_at=(runfolder.progress_at or now).timestamp(),
        stalled_after_s=policy.stalled_after_s,
        ending=look.ending,
        unchanged_polls=runfolder.stable_polls,
        missing_file=identified_by
        if policy.needs_identity and not runfolder.digest
        else "",
    )
    return judge(rule, situation, clock)


def _fill_problems(runfolder: Runfolder, look: Look, verdict: Verdict) -> None:
    if look.facts is None:
        rows = [p for p in runfolder.problems if p["code"] != CLOCK_SKEW]
    else:
        rows = problem_rows(look.facts.problems)
        rows += [p for p in runfolder.problems if p["code"] in _KEPT]
    runfolder.problems = rows + problem_rows(verdict.problems)


def _fill_stalled(runfolder: Runfolder, verdict: Verdict, now: dt.datetime) -> None:
    if not verdict.is_stalled:
        runfolder.stalled_at = None
    elif runfolder.stalled_at is None:
        runfolder.stalled_at = now


def _fill_completion(
    runfolder: Runfolder, look: Look, verdict: Verdict, now: dt.datetime
) -> None:
    old, new = runfolder.sequencing_on_disk, verdict.sequencing
    if new == Sequencing.COMPLETE and (
        # Some instruments write the rest of their metadata last: read it once more.
        (old != new and look.facts is None)
        # The missing cycles of a copy may be on their way, below what is watched.
        or (_lacks_cycles(runfolder) and now - (runfolder.progress_at or now) < LATE)
    ):
        runfolder.signature = mark_unsure(look.signature)
    # What a person calls complete keeps its size, whatever the disk shows.
    if new in IN_FLIGHT and not runfolder.is_overridden:
        runfolder.size_bytes = runfolder.size_measured_at = None
    runfolder.sequencing_on_disk = new


def _time(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
