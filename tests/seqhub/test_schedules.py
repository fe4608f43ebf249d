from __future__ import annotations

import pytest
from django.db import transaction
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage

from seqhub.lib import queues
from seqhub.schedules import ring_all, sync_schedules, ticks

pytestmark = pytest.mark.django_db


def test_every_schedule_names_the_cluster_that_runs_it() -> None:
    sync_schedules("hosta")
    clusters = set(Schedule.objects.values_list("cluster", flat=True))
    assert clusters == {queues.DEFAULT, "local-hosta", "long-hosta"}


def test_every_tick_is_a_task_that_can_be_called() -> None:
    for tick in ticks("hosta"):
        assert callable(import_string(tick.function)), tick.name


def test_a_second_start_keeps_the_next_runs() -> None:
    sync_schedules("hosta")
    before = dict(Schedule.objects.values_list("name", "next_run"))
    sync_schedules("hosta")
    assert dict(Schedule.objects.values_list("name", "next_run")) == before


def test_a_schedule_that_is_no_longer_wanted_goes() -> None:
    sync_schedules("hosta")
    Schedule.objects.create(name="old@hosta", func="x.y", cluster="local-hosta")
    Schedule.objects.create(name="old@hostb", func="x.y", cluster="local-hostb")
    sync_schedules("hosta")
    names = set(Schedule.objects.values_list("name", flat=True))
    assert "old@hosta" not in names
    assert "old@hostb" in names


def test_two_hosts_share_the_ticks_of_no_host() -> None:
    sync_schedules("hosta")
    sync_schedules("hostb")
    assert Schedule.objects.filter(name="purge").count() == 1
    assert Schedule.objects.filter(name__startswith="scan@").count() == 2


def test_ringing_all_sends_one_message_a_tick_to_its_queue() -> None:
    ring_all("hosta")
    sent = sorted(
        (message.key, SignedPackage.loads(message.payload)["func"])
        for message in OrmQ.objects.all()
    )
    assert sent == sorted((tick.queue, tick.function) for tick in ticks("hosta"))


def test_a_doorbell_goes_with_a_transaction_that_is_rolled_back() -> None:
    with transaction.atomic():
        ring_all("hosta")
        transaction.set_rollback(True)
    assert not OrmQ.objects.exists()
