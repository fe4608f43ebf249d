"""The configuration's word on completion, and values on their way to the row."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from pytest_django import Settings

from runfolders.conf import CompletionRule
from runfolders.engine.facts import RunFacts
from runfolders.services.columns import aware, fact_columns, path_columns
from runfolders.services.policy import clock, current_policy
from tests.runfolders.runs import watch

MINUTE = 60


@pytest.mark.parametrize(
    ("own", "general", "marker", "expected"),
    [
        (5, 20, "x.txt", 5),
        (0, 20, "x.txt", 0),
        (None, 20, "x.txt", 20),
        (None, 20, "CopyComplete.txt", 20),
        (None, None, "x.txt", 30),
        (None, None, "CopyComplete.txt", 0),
    ],
)
def test_a_rule_has_its_own_grace_or_the_general_one(
    settings: Settings,
    own: float | None,
    general: float | None,
    marker: str,
    expected: float,
) -> None:
    rule = CompletionRule(require=[marker], grace_minutes=own)
    watch(settings, completion_rules=[rule], completed_marker_grace_minutes=general)
    policy = current_policy()
    assert policy.site_rules[0].grace_s == expected * MINUTE
    assert policy.markers == {marker}


def test_arteria_mode_has_no_other_rules(settings: Settings) -> None:
    rule = CompletionRule(require=["x.txt"])
    watch(settings, completion="arteria", completion_rules=[rule])
    policy = current_policy()
    assert policy.rule_for(RunFacts("illumina")).require == ("RTAComplete.txt",)
    assert policy.rule_for(RunFacts("illumina")).grace_s == 0
    assert not policy.needs_identity


def test_times_are_told_in_the_sites_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Stockholm"
    noon = timezone.now().replace(hour=11, minute=4, second=0)
    local = noon.astimezone(timezone.get_default_timezone())
    assert clock(noon.timestamp()) == f"{local:%H:%M}"
    winter = dt.datetime(2020, 1, 2, 11, 4, tzinfo=dt.UTC)
    assert clock(winter.timestamp()) == "2020-01-02 12:04"


def test_a_time_without_zone_is_the_sites(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Stockholm"
    assert aware(dt.datetime(2020, 1, 2, 12)) == dt.datetime(  # noqa: DTZ001
        2020, 1, 2, 11, tzinfo=dt.UTC
    )
    assert aware(dt.datetime.min) is None  # noqa: DTZ901 - it is meant
    assert aware(None) is None


def test_values_that_no_column_takes_are_left_out() -> None:
    columns = fact_columns(
        RunFacts(
            "illumina",
            run_number=10**12,
            lanes=10**6,
            flow_cell="x" * 5000,
            experiment_name="a\0b\ud800c\n",
            extra={"a": "\0"},
        )
    )
    assert columns["run_number"] is None
    assert columns["lanes"] is None
    assert columns["flow_cell"] == "x" * 100
    assert columns["experiment_name"] == "a b c"
    assert columns["extra"] == {"a": ""}


def test_paths_are_text_and_keep_their_bytes() -> None:
    assert path_columns("/data/run") == {
        "path": "/data/run",
        "raw_path": None,
        "name": "run",
    }
    columns = path_columns("/data/r\udce5n")
    assert columns["path"] == "/data/r\\xe5n"
    assert columns["raw_path"] == b"/data/r\xe5n"
