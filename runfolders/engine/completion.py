"""When is a run complete? A policy: rules, and a judgement that touches nothing.

Times are seconds since 1970, durations seconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from runfolders.choices import Outcome, Platform, Sequencing

from .facts import Ending, Problem, RunFacts
from .ont import FINAL_SUMMARY
from .pacbio import ALL_CELLS_TRANSFERRED

RTA = "RTAComplete.txt"
COPY = "CopyComplete.txt"
STATUS = "RunCompletionStatus.xml"
NETCOPY = "Basecalling_Netcopy_complete.txt"
# Where the instrument itself does not say that the copy is done.
COPY_GRACE_S = 30 * 60.0
TIMEOUT_S = 6 * 3600.0
# A marker that is further ahead of us comes from a wrong clock.
SKEW_S = 5 * 60.0
# Sequencing has ended when one of these, or of what the rule asks for, is there.
_ENDED = frozenset(
    {
        RTA,
        COPY,
        STATUS,
        NETCOPY,
        "SequenceComplete.txt",
        "SequencingComplete.txt",
        "AvitiRunStats.json",
    }
)
_VERSION = re.compile(r"(?:^|[\s v])(\d{1,3})(?:\.\d+)+\S*$")


@dataclass(frozen=True, slots=True)
class Rule:
    """What must be there: all of `require` and one of each tuple in `any_of`.

    It holds for runs that match all that is not None: `instrument` (regular
    expression on the beginning of the instrument's id), `platform`, `models`
    (regular expression on the whole model), `min_major` (control software).
    """

    require: tuple[str, ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    grace_s: float = 0
    stable_polls: int = 0
    timeout_s: float = TIMEOUT_S
    instrument: str | None = None
    platform: str | None = None
    models: str | None = None
    min_major: int | None = None
    # Arteria's: only the marker and the age of the file count, not when we first saw
    # it, nor how the instrument says that the run ended.
    by_mtime_only: bool = False

    def matches(self, facts: RunFacts) -> bool:
        if self.platform is not None and self.platform != facts.platform:
            return False
        if self.instrument is not None and not re.match(
            self.instrument, facts.instrument_id or ""
        ):
            return False
        if self.models is not None and not re.fullmatch(
            self.models, facts.instrument_model or ""
        ):
            return False
        if self.min_major is not None:
            major = major_version(facts.software)
            return major is not None and major >= self.min_major
        return True


@dataclass(frozen=True, slots=True)
class Marker:
    mtime: float
    first_seen: float  # by us, with this mtime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the folder's markers mean at a moment."""

    sequencing: Sequencing
    reason: str  # for a person, no full stop at its end
    waiting_for: tuple[str, ...] = ()
    due_at: float | None = None  # complete then, if nothing changes
    is_stalled: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """What a judgement goes by."""

    markers: Mapping[str, Marker]
    now: float
    progress_at: float  # something last moved
    stalled_after_s: float
    ending: Ending | None = None
    unchanged_polls: int = 0
    # A run whose identifying file has not arrived is not all there.
    missing_file: str = ""


_ILLUMINA_COPY = (
    r"MiSeq i100.*|iSeq 100|NextSeq (1000|2000|1000/2000)|NovaSeq (6000|X.*)"
)
BUILT_IN: tuple[Rule, ...] = (
    Rule((COPY,), platform=Platform.ILLUMINA, models=_ILLUMINA_COPY),
    Rule(
        (COPY,),
        platform=Platform.ILLUMINA,
        models=r"MiSeq|MiniSeq|NextSeq 5.*",
        min_major=4,
    ),
    Rule(
        (RTA, STATUS),
        grace_s=COPY_GRACE_S,
        platform=Platform.ILLUMINA,
        models=r"MiniSeq|NextSeq 5.*",
    ),
    Rule(
        (RTA, NETCOPY),
        grace_s=COPY_GRACE_S,
        platform=Platform.ILLUMINA,
        models=r"Genome Analyzer.*|MiSeq|HiSeq (1000/2000|1500|2500)",
    ),
    Rule(("RunUploaded.json",), platform=Platform.ELEMENT),
    Rule((FINAL_SUMMARY,), platform=Platform.ONT),
    # A cell that was not begun is not known: wait whether another one begins.
    Rule((ALL_CELLS_TRANSFERRED,), grace_s=COPY_GRACE_S, platform=Platform.PACBIO),
    # HiSeq 3000, 4000 and X, and whatever is not known.
    Rule((RTA,), grace_s=COPY_GRACE_S),
)
# The old service's rule, to the letter.
ARTERIA: tuple[Rule, ...] = (
    Rule((COPY,), instrument=r"A|LH|FS", by_mtime_only=True),
    Rule((RTA,), by_mtime_only=True),
)


def choose_rule(
    facts: RunFacts,
    *,
    site_rules: Sequence[Rule] = (),
    built_in: Sequence[Rule] = BUILT_IN,
    grace_s: float | None = None,
) -> Rule:
    """The first rule that matches; the site's come first.

    `grace_s` replaces the grace of a rule that is not the site's own. The last
    rule of `built_in` must match everything.
    """
    for rule in site_rules:
        if rule.matches(facts):
            return rule
    rule = next(rule for rule in built_in if rule.matches(facts))
    return rule if grace_s is None else replace(rule, grace_s=grace_s)


def major_version(software: str | None) -> int | None:
    """4 of "MiSeq Control Software 4.1.0.1234"; None if there is no version."""
    match = _VERSION.search(software or "")
    return int(match[1]) if match else None


def judge(rule: Rule, situation: Situation, clock: Callable[[float], str]) -> Verdict:
    """Where the run stands. `clock` writes a time as people of the site read it."""
    ending = situation.ending
    if ending and ending.outcome == Outcome.FAILED and not rule.by_mtime_only:
        words = ": ".join(filter(None, (ending.raw, ending.message)))
        reason = f"the instrument reports {words or 'that the run failed'}"
        return Verdict(Sequencing.FAILED, reason)
    markers = situation.markers
    waiting_for = _missing(rule, markers)
    if situation.missing_file:
        waiting_for = (situation.missing_file, *waiting_for)
    if not waiting_for:
        return _settle(rule, situation, clock)
    wanted = set(rule.require).union(*rule.any_of)
    ended = sorted(
        (name for name in markers if name in wanted or name in _ENDED),
        key=lambda name: markers[name].first_seen,
    )
    waiting = f"waiting for {' and '.join(waiting_for)}"
    if not ended:
        since = situation.progress_at
        stalled = situation.now - since >= situation.stalled_after_s
        if stalled:
            waiting += f"; nothing new since {clock(since)}"
        return Verdict(Sequencing.SEQUENCING, waiting, waiting_for, is_stalled=stalled)
    last = ended[-1]
    since = max(_counts_from(markers[name]) for name in ended)
    return Verdict(
        Sequencing.SETTLING,
        f"{waiting}; {last} seen {clock(markers[last].first_seen)}",
        waiting_for,
        is_stalled=situation.now - since >= rule.timeout_s,
        problems=_skew_problems(markers, ended),
    )


def _settle(rule: Rule, situation: Situation, clock: Callable[[float], str]) -> Verdict:
    """All markers are there: does a grace time still run?"""
    markers = situation.markers
    deciding = _deciding(rule, markers)
    last = max(deciding, key=lambda name: _age_from(rule, markers[name]))
    seen = f"{last} seen {clock(markers[last].first_seen)}"
    problems = _skew_problems(markers, deciding)
    due_at = _age_from(rule, markers[last]) + rule.grace_s
    # Without a grace time the marker's being there is all.
    if rule.grace_s and situation.now < due_at:
        reason = f"{seen}; complete at {clock(due_at)} if nothing changes"
        return Verdict(Sequencing.SETTLING, reason, due_at=due_at, problems=problems)
    if situation.unchanged_polls < rule.stable_polls:
        left = rule.stable_polls - situation.unchanged_polls
        more = "1 more scan" if left == 1 else f"{left} more scans"
        reason = f"{seen}; complete after {more} without a change"
        return Verdict(Sequencing.SETTLING, reason, problems=problems)
    return Verdict(Sequencing.COMPLETE, seen, problems=problems)


def _missing(rule: Rule, markers: Mapping[str, Marker]) -> tuple[str, ...]:
    missing = [name for name in rule.require if name not in markers]
    missing += [
        " or ".join(names)
        for names in rule.any_of
        if names and not any(name in markers for name in names)
    ]
    return tuple(missing)


def _deciding(rule: Rule, markers: Mapping[str, Marker]) -> list[str]:
    """The markers that the rule asks for: of each `any_of` the earliest one."""
    deciding = list(rule.require)
    for names in rule.any_of:
        there = [name for name in names if name in markers]
        if there:
            deciding.append(min(there, key=lambda name: _age_from(rule, markers[name])))
    return deciding


def _age_from(rule: Rule, marker: Marker) -> float:
    return marker.mtime if rule.by_mtime_only else _counts_from(marker)


def _counts_from(marker: Marker) -> float:
    """Copies keep old mtimes, and wrong clocks write future ones: neither counts."""
    if _is_skewed(marker):
        return marker.first_seen
    return max(marker.mtime, marker.first_seen)


def _is_skewed(marker: Marker) -> bool:
    return marker.mtime > marker.first_seen + SKEW_S


def _skew_problems(
    markers: Mapping[str, Marker], names: Sequence[str]
) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            "clock_skew",
            f"{name} was written in the future by its own clock; "
            "its age is counted from when it was first seen.",
        )
        for name in names
        if _is_skewed(markers[name])
    )
