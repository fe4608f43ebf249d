"""The site's word on completion, made into rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from runfolders.conf import Completion, CompletionRule
from runfolders.engine.completion import (
    ARTERIA,
    BUILT_IN,
    COPY,
    COPY_GRACE_S,
    Rule,
    choose_rule,
)
from runfolders.engine.facts import RunFacts


@dataclass(frozen=True, slots=True)
class Policy:
    site_rules: tuple[Rule, ...]
    built_in: tuple[Rule, ...]
    grace_s: float | None
    stalled_after_s: float
    # Whether the file that identifies the run must be there for it to be complete.
    needs_identity: bool

    def rule_for(self, facts: RunFacts) -> Rule:
        return choose_rule(
            facts,
            site_rules=self.site_rules,
            built_in=self.built_in,
            grace_s=self.grace_s,
        )

    @property
    def markers(self) -> frozenset[str]:
        """Names that the site's own rules look for."""
        return frozenset(
            name
            for rule in self.site_rules
            for names in (rule.require, *rule.any_of)
            for name in names
        )


def current_policy() -> Policy:
    """The `runfolders` section of the configuration, read now."""
    section = settings.CONFIG.runfolders
    minutes = section.completed_marker_grace_minutes
    grace_s = None if minutes is None else minutes * 60
    stalled_after_s = section.stalled_after_hours * 3600
    if section.completion == Completion.ARTERIA:
        # The old service knew no other rules; its grace was 0 by default.
        return Policy((), ARTERIA, grace_s or 0, stalled_after_s, needs_identity=False)
    return Policy(
        tuple(_rules(section.completion_rules, grace_s)),
        BUILT_IN,
        grace_s,
        stalled_after_s,
        needs_identity=True,
    )


def clock(seconds: float) -> str:
    """A time (seconds since 1970) as people of the site read it; today's is short."""
    at = dt.datetime.fromtimestamp(seconds, timezone.get_default_timezone())
    today = timezone.localdate(timezone=at.tzinfo)
    return f"{at:%H:%M}" if at.date() == today else f"{at:%Y-%m-%d %H:%M}"


def _rules(rules: Iterable[CompletionRule], grace_s: float | None) -> Iterable[Rule]:
    for rule in rules:
        require = tuple(rule.require)
        own_s = None if rule.grace_minutes is None else rule.grace_minutes * 60
        if own_s is None:
            own_s = grace_s
        if own_s is None:
            own_s = 0 if COPY in require else COPY_GRACE_S
        yield Rule(
            require=require,
            any_of=tuple(tuple(names) for names in rule.any_of),
            grace_s=own_s,
            stable_polls=rule.stable_polls,
            timeout_s=rule.timeout_hours * 3600,
            instrument=rule.instrument,
            platform=rule.platform,
        )
