"""Rules and judgement; a clock that stands where the test wants it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from runfolders.choices import Outcome, Platform, Sequencing
from runfolders.engine.completion import (
    ARTERIA,
    COPY,
    NETCOPY,
    RTA,
    STATUS,
    Marker,
    Rule,
    Situation,
    Verdict,
    choose_rule,
    judge,
    major_version,
)
from runfolders.engine.facts import Ending, RunFacts

NOON = dt.datetime(2026, 3, 12, 12, tzinfo=dt.UTC).timestamp()
MINUTE = 60.0
HOUR = 3600.0
GRACE = Rule((RTA,), grace_s=30 * MINUTE)


def clock(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%H:%M}"


def seen(at: float = NOON, *, mtime: float | None = None) -> Marker:
    return Marker(at if mtime is None else mtime, at)


def decide(
    rule: Rule,
    now: float = NOON,
    *,
    ending: Ending | None = None,
    progress_at: float = NOON,
    unchanged_polls: int = 0,
    missing_file: str = "",
    **markers: Marker,
) -> Verdict:
    """`markers` by name without its suffix."""
    names = {name.partition(".")[0]: name for name in (RTA, COPY, STATUS, NETCOPY)}
    situation = Situation(
        markers={names.get(name, name): marker for name, marker in markers.items()},
        now=now,
        progress_at=progress_at,
        stalled_after_s=12 * HOUR,
        ending=ending,
        unchanged_polls=unchanged_polls,
        missing_file=missing_file,
    )
    return judge(rule, situation, clock)


def facts(
    model: str | None = None,
    software: str | None = None,
    instrument_id: str | None = None,
    platform: str = Platform.ILLUMINA,
) -> RunFacts:
    return RunFacts(
        platform=platform,
        instrument_id=instrument_id,
        instrument_model=model,
        software=software,
    )


@pytest.mark.parametrize(
    ("model", "software", "required", "has_grace"),
    [
        ("NovaSeq 6000", None, {COPY}, False),
        ("NovaSeq X", None, {COPY}, False),
        ("NovaSeq X Plus", None, {COPY}, False),
        ("iSeq 100", None, {COPY}, False),
        ("NextSeq 1000", None, {COPY}, False),
        ("NextSeq 2000", None, {COPY}, False),
        ("NextSeq 1000/2000", None, {COPY}, False),
        ("MiSeq i100", None, {COPY}, False),
        ("MiSeq i100 Plus", None, {COPY}, False),
        ("MiSeq", "MiSeq Control Software 4.1.0.1234", {COPY}, False),
        ("MiSeq", "MiSeq Control Software 2.6.2.1", {RTA, NETCOPY}, True),
        ("MiSeq", None, {RTA, NETCOPY}, True),
        ("NextSeq 550", "NextSeq Control Software 4.0.2.7", {COPY}, False),
        ("NextSeq 550Dx", "NextSeq Control Software 4.0.1", {COPY}, False),
        ("NextSeq 500", "NextSeq Control Software 2.2.0.4", {RTA, STATUS}, True),
        ("NextSeq 500/550", None, {RTA, STATUS}, True),
        ("MiniSeq", "MiniSeq Control Software 2.0.0.64", {RTA, STATUS}, True),
        ("HiSeq 2500", "HiSeq Control Software 2.2.68", {RTA, NETCOPY}, True),
        ("HiSeq 1000/2000", None, {RTA, NETCOPY}, True),
        ("Genome Analyzer II", None, {RTA, NETCOPY}, True),
        ("HiSeq 4000", None, {RTA}, True),
        ("HiSeq 3000/4000", None, {RTA}, True),
        ("HiSeq X", "HiSeq Control Software 3.3.76", {RTA}, True),
        ("Something new", None, {RTA}, True),
        (None, None, {RTA}, True),
    ],
)
def test_each_model_has_its_rule(
    model: str | None, software: str | None, required: set[str], has_grace: bool
) -> None:
    rule = choose_rule(facts(model, software))
    assert set(rule.require) == required
    assert bool(rule.grace_s) == has_grace


@pytest.mark.parametrize(
    ("platform", "marker"),
    [
        (Platform.ELEMENT, "RunUploaded.json"),
        (Platform.ONT, "final_summary.txt"),
        (Platform.PACBIO, "all cells transferred"),
    ],
)
def test_other_platforms_have_their_rules(platform: str, marker: str) -> None:
    assert choose_rule(facts(platform=platform)).require == (marker,)


@pytest.mark.parametrize(
    ("software", "major"),
    [
        ("MiSeq Control Software 4.1.0.1234", 4),
        ("NovaSeq Control Software v1.7.5", 1),
        ("4.0", 4),
        ("control-software", None),
        ("NextSeq 550 Control Software", None),
        ("", None),
        (None, None),
    ],
)
def test_the_major_version_is_read(software: str | None, major: int | None) -> None:
    assert major_version(software) == major


def test_the_first_rule_of_the_site_that_matches_decides() -> None:
    own = Rule(("done.txt",), instrument="A00834$", grace_s=1)
    general = Rule(("other.txt",), instrument="A", grace_s=2)
    rules = (own, general)
    assert choose_rule(facts(instrument_id="A00834"), site_rules=rules) is own
    assert choose_rule(facts(instrument_id="A00001"), site_rules=rules) is general
    unknown = choose_rule(facts(instrument_id="K00001"), site_rules=rules)
    assert unknown.require == (RTA,)


def test_the_sites_grace_replaces_that_of_built_in_rules_only() -> None:
    own = Rule(("done.txt",), instrument="A", grace_s=1)
    assert choose_rule(facts("HiSeq X"), grace_s=90).grace_s == 90
    assert choose_rule(facts("NovaSeq X"), grace_s=90).grace_s == 90
    site = choose_rule(facts(instrument_id="A1"), site_rules=(own,), grace_s=90)
    assert site.grace_s == 1


@pytest.mark.parametrize(
    ("instrument_id", "marker"),
    [
        ("A00834", COPY),
        ("AV242106", COPY),
        ("LH00188", COPY),
        ("FS10000106", COPY),
        ("M04034", RTA),
        ("VH00384", RTA),
        ("ST-E00001", RTA),
        (None, RTA),
    ],
)
def test_arteria_goes_by_the_instrument_id(
    instrument_id: str | None, marker: str
) -> None:
    rule = choose_rule(facts(instrument_id=instrument_id), built_in=ARTERIA)
    assert rule.require == (marker,)


def test_arterias_grace_is_the_age_of_the_file_only() -> None:
    rule = choose_rule(facts(), built_in=ARTERIA, grace_s=30 * MINUTE)
    old = seen(NOON, mtime=NOON - HOUR)
    assert decide(rule, RTAComplete=old).sequencing == Sequencing.COMPLETE
    young = seen(NOON - HOUR, mtime=NOON - MINUTE)
    assert decide(rule, RTAComplete=young).sequencing == Sequencing.SETTLING


def test_without_a_marker_it_is_sequencing() -> None:
    verdict = decide(Rule((COPY,)))
    assert verdict.sequencing == Sequencing.SEQUENCING
    assert verdict.reason == "waiting for CopyComplete.txt"
    assert verdict.waiting_for == (COPY,)


def test_base_calls_without_the_copy_are_settling() -> None:
    verdict = decide(Rule((COPY,)), RTAComplete=seen(NOON + 4 * MINUTE))
    assert verdict.sequencing == Sequencing.SETTLING
    assert verdict.reason == "waiting for CopyComplete.txt; RTAComplete.txt seen 12:04"


def test_without_grace_the_marker_is_all() -> None:
    for mtime in (NOON, NOON - HOUR, NOON + 24 * HOUR, 0):
        verdict = decide(Rule((COPY,)), CopyComplete=seen(NOON, mtime=mtime))
        assert verdict.sequencing == Sequencing.COMPLETE


def test_the_grace_time_runs_and_ends() -> None:
    marker = seen(NOON)
    verdict = decide(GRACE, NOON + 29 * MINUTE, RTAComplete=marker)
    assert verdict.sequencing == Sequencing.SETTLING
    assert verdict.due_at == NOON + 30 * MINUTE
    assert verdict.reason == (
        "RTAComplete.txt seen 12:00; complete at 12:30 if nothing changes"
    )
    verdict = decide(GRACE, NOON + 30 * MINUTE, RTAComplete=marker)
    assert verdict.sequencing == Sequencing.COMPLETE
    assert verdict.reason == "RTAComplete.txt seen 12:00"


def test_an_old_marker_counts_from_when_it_was_first_seen() -> None:
    copied = seen(NOON, mtime=NOON - 1000 * HOUR)
    assert decide(GRACE, NOON + MINUTE, RTAComplete=copied).due_at == (
        NOON + 30 * MINUTE
    )


def test_a_younger_file_counts_from_its_own_time() -> None:
    late = seen(NOON, mtime=NOON + 2 * MINUTE)
    verdict = decide(GRACE, NOON + 30 * MINUTE, RTAComplete=late)
    assert verdict.due_at == NOON + 32 * MINUTE
    assert verdict.problems == ()


def test_a_file_of_the_future_counts_from_first_sight_and_warns() -> None:
    skewed = seen(NOON, mtime=NOON + 5 * HOUR)
    verdict = decide(GRACE, NOON + MINUTE, RTAComplete=skewed)
    assert verdict.due_at == NOON + 30 * MINUTE
    assert [problem.code for problem in verdict.problems] == ["clock_skew"]
    # Also once that time has come.
    verdict = decide(GRACE, NOON + 6 * HOUR, RTAComplete=skewed)
    assert verdict.sequencing == Sequencing.COMPLETE
    assert [problem.code for problem in verdict.problems] == ["clock_skew"]


def test_the_last_marker_decides() -> None:
    rule = Rule((RTA, NETCOPY), grace_s=30 * MINUTE)
    verdict = decide(
        rule,
        NOON + 40 * MINUTE,
        RTAComplete=seen(NOON),
        Basecalling_Netcopy_complete=seen(NOON + 20 * MINUTE),
    )
    assert verdict.due_at == NOON + 50 * MINUTE
    assert verdict.reason.startswith("Basecalling_Netcopy_complete.txt seen 12:20")


def test_one_of_each_list_will_do() -> None:
    rule = Rule(("a",), any_of=(("b", "c"), ("d",)))
    verdict = decide(rule, a=seen())
    assert verdict.waiting_for == ("b or c", "d")
    assert verdict.reason == "waiting for b or c and d; a seen 12:00"
    complete = decide(rule, a=seen(), c=seen(), d=seen())
    assert complete.sequencing == Sequencing.COMPLETE


def test_scans_without_a_change_can_be_asked_for() -> None:
    rule = Rule((COPY,), stable_polls=2)
    verdict = decide(rule, CopyComplete=seen(), unchanged_polls=1)
    assert verdict.sequencing == Sequencing.SETTLING
    assert "1 more scan without" in verdict.reason
    verdict = decide(rule, CopyComplete=seen(), unchanged_polls=2)
    assert verdict.sequencing == Sequencing.COMPLETE


def test_a_copy_that_does_not_end_is_stalled_and_never_complete() -> None:
    rule = Rule((COPY,), timeout_s=6 * HOUR)
    verdict = decide(rule, NOON + 6 * HOUR - 1, RTAComplete=seen())
    assert not verdict.is_stalled
    for hours in (6, 6000):
        verdict = decide(rule, NOON + hours * HOUR, RTAComplete=seen())
        assert verdict.is_stalled
        assert verdict.sequencing == Sequencing.SETTLING


def test_a_run_without_a_new_cycle_is_stalled_and_stays_sequencing() -> None:
    verdict = decide(Rule((COPY,)), NOON + 12 * HOUR)
    assert verdict.is_stalled
    assert verdict.sequencing == Sequencing.SEQUENCING
    assert verdict.reason.endswith("nothing new since 12:00")
    moving = decide(Rule((COPY,)), NOON + 12 * HOUR, progress_at=NOON + HOUR)
    assert not moving.is_stalled


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_run_that_its_instrument_calls_failed_is_failed(is_copied: bool) -> None:
    markers = {"CopyComplete": seen()} if is_copied else {}
    ending = Ending(Outcome.FAILED, "RunErrored", "Camera: no <light>")
    verdict = decide(Rule((COPY,)), ending=ending, **markers)  # type: ignore[arg-type]
    assert verdict.sequencing == Sequencing.FAILED
    assert verdict.reason == ("the instrument reports RunErrored: Camera: no <light>")


@pytest.mark.parametrize("outcome", [Outcome.ENDED_EARLY, Outcome.UNKNOWN, Outcome.OK])
def test_another_ending_leaves_it_to_the_markers(outcome: Outcome) -> None:
    ending = Ending(outcome, "UserEndedEarly")
    waiting = decide(Rule((COPY,)), ending=ending, RunCompletionStatus=seen())
    assert waiting.sequencing == Sequencing.SETTLING
    complete = decide(Rule((COPY,)), ending=ending, CopyComplete=seen())
    assert complete.sequencing == Sequencing.COMPLETE


def test_markers_that_came_before_the_run_itself_do_not_complete_it() -> None:
    verdict = decide(Rule((COPY,)), missing_file="RunInfo.xml", CopyComplete=seen())
    assert verdict.sequencing == Sequencing.SETTLING
    assert verdict.waiting_for == ("RunInfo.xml",)


def test_marks_of_single_reads_do_not_end_the_run() -> None:
    verdict = decide(Rule((COPY,)), RTARead1Complete=seen())
    assert verdict.sequencing == Sequencing.SEQUENCING


def test_rules_can_be_restricted_to_a_platform() -> None:
    rule = replace(GRACE, platform=Platform.ONT)
    assert not rule.matches(facts())
    assert rule.matches(facts(platform=Platform.ONT))


def test_arterias_rule_does_not_ask_how_the_run_ended() -> None:
    ending = Ending(Outcome.FAILED, "RunErrored")
    rule = choose_rule(facts(instrument_id="A00834"), built_in=ARTERIA)
    assert decide(rule, ending=ending, RTAComplete=seen()).sequencing == (
        Sequencing.SETTLING
    )
    assert decide(rule, ending=ending, CopyComplete=seen()).sequencing == (
        Sequencing.COMPLETE
    )
