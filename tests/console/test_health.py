from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from seqhub.console.health import SCHEDULES
from seqhub.schedules import sync_schedules, ticks
from tests.factories import HOST
from tests.staff import staff

pytestmark = pytest.mark.django_db


def test_what_runs_is_told_from_what_waits() -> None:
    now = timezone.now()
    for minutes in (9, -3, -5):
        lock = now + dt.timedelta(minutes=minutes)
        OrmQ.objects.create(key="local-x", payload="", lock=lock)
    response = staff("manager").get("/admin/health/")
    (queue,) = response.context["queues"]
    assert (queue["running"], queue["waiting"]) == (1, 2)
    assert queue["oldest"] == now - dt.timedelta(minutes=5)


def test_what_runs_by_itself_is_told_in_words() -> None:
    assert {tick.name.partition("@")[0] for tick in ticks(HOST)} == set(SCHEDULES)
    sync_schedules(HOST)
    response = staff("manager").get("/admin/health/")
    told = {row["what"]: row for row in response.context["schedules"]}
    assert told["Check the recipients' keys"]["host"] == HOST
    assert told["Tidy up the queues"]["host"] == ""
    assert "<td>1 d</td>" in response.content.decode()
