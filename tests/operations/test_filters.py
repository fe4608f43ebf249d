"""Query parameters that lists of all apps share."""

from __future__ import annotations

from datetime import datetime

import pytest

from seqhub.operations.models import Event
from seqhub.operations.services.events import record_event
from tests.clients import client_with

AT = datetime.fromisoformat("2026-01-31T12:00:00Z")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("after", "count"),
    [
        ("2026-01-31T11:59:59Z", 1),
        ("2026-01-31T12:00:01Z", 0),
        ("2026-01-31T13:00:00%2B01:00", 1),
        ("2026-01-30T12:01:00-23:59", 1),
        ("2026-01-30T12:01:01-23:59", 0),
    ],
)
def test_times_have_any_offset(after: str, count: int) -> None:
    record_event("runfolder:1", "noted", "Something.")
    Event.objects.update(at=AT)
    page = client_with("read").get(f"/api/events?subject=runfolder:1&after={after}")
    assert page.json()["count"] == count


@pytest.mark.django_db
@pytest.mark.parametrize("time", ["soon", "9999-12-31T23:59:59-23:59"])
def test_what_is_no_time_is_refused(time: str) -> None:
    answer = client_with("read").get(f"/api/events?after={time}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
