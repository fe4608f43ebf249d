"""Dates as Illumina instruments write them."""

from __future__ import annotations

import datetime as dt
import re

_FORMS = (
    (re.compile(r"[0-9]{6}"), "%y%m%d"),
    (re.compile(r"[0-9]{8}"), "%Y%m%d"),
    (re.compile(r"[0-9/]+ [0-9:]+ [APap][Mm]"), "%m/%d/%Y %I:%M:%S %p"),
    (re.compile(r"[0-9/]+ [0-9:]+"), "%m/%d/%Y %H:%M:%S"),
)
_YEARS = range(1990, 2100)


def parse_date(raw: str | None) -> dt.datetime | None:
    """A date in any of the known forms; None for anything else.

    Naive where the text has no zone: the instrument's local time, midnight
    where it is only a day. Forms: `yyMMdd`, `yyyyMMdd`, `M/d/yyyy h:mm:ss tt`
    (US order), `M/d/yyyy H:mm:ss`, ISO 8601 with up to seven fraction digits.
    """
    raw = (raw or "").strip()
    try:
        form = next((form for shape, form in _FORMS if shape.fullmatch(raw)), None)
        if form is not None:
            # Naive on purpose: the instrument's local time, in a zone unknown here.
            value = dt.datetime.strptime(raw, form)  # noqa: DTZ007
        else:
            value = dt.datetime.fromisoformat(raw)
    except ValueError:
        return None
    return value if value.year in _YEARS else None
