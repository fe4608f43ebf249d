from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from django_q.models import OrmQ

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
