"""The site's word on workflows, as spans of time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Policy:
    stalled_after: dt.timedelta
    unknown_after: dt.timedelta
    never_began_after: dt.timedelta
    keep_scripts: dt.timedelta | None  # None: for ever
    keep_tasks: dt.timedelta | None


def current_policy() -> Policy:
    """The `turret` section of the configuration, read now."""
    section = settings.CONFIG.turret
    return Policy(
        stalled_after=dt.timedelta(seconds=section.stalled_after_s),
        unknown_after=dt.timedelta(seconds=section.unknown_after_s),
        never_began_after=dt.timedelta(seconds=section.never_began_after_s),
        keep_scripts=_days(section.keep_scripts_days),
        keep_tasks=_days(section.keep_tasks_days),
    )


def _days(number: float) -> dt.timedelta | None:
    return dt.timedelta(days=number) if number else None
