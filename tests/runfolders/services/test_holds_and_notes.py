from __future__ import annotations

import pytest

from runfolders.models import Runfolder
from runfolders.selectors import next_ready, with_hold
from runfolders.services.holds import hold, release
from runfolders.services.notes import add_note
from seqhub.operations.errors import IllegalTransition, InvalidValue
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST, RunfolderFactory

pytestmark = pytest.mark.django_db

ANNA = Actor("console", "anna")


def test_a_hold_stops_the_run_from_being_offered_and_changes_no_state() -> None:
    runfolder = RunfolderFactory.create(complete=True)
    hold(runfolder.pk, actor=ANNA, reason="Legal.")
    runfolder.refresh_from_db()
    assert runfolder.state == "ready"
    assert not next_ready(HOST).exists()
    release(runfolder.pk, actor=ANNA)
    assert next_ready(HOST).get() == runfolder


def test_each_list_row_knows_whether_it_is_held() -> None:
    held, free = RunfolderFactory.create_batch(2)
    hold(held.pk, actor=ANNA, reason="")
    rows = with_hold(Runfolder.objects.all())
    assert {row.pk: row.is_held for row in rows} == {held.pk: True, free.pk: False}


def test_it_refuses_a_second_hold_and_a_release_of_nothing() -> None:
    runfolder = RunfolderFactory.create()
    with pytest.raises(IllegalTransition):
        release(runfolder.pk, actor=ANNA)
    hold(runfolder.pk, actor=ANNA, reason="")
    with pytest.raises(IllegalTransition):
        hold(runfolder.pk, actor=ANNA, reason="")
    assert Event.objects.count() == 1


def test_a_run_can_be_held_again_and_keeps_its_history() -> None:
    runfolder = RunfolderFactory.create()
    for _ in range(2):
        hold(runfolder.pk, actor=ANNA, reason="")
        release(runfolder.pk, actor=ANNA)
    assert runfolder.holds.count() == 2
    assert Event.objects.count() == 4


def test_a_note_stands_in_the_history() -> None:
    runfolder = RunfolderFactory.create()
    add_note(runfolder.pk, " Pipetting error in lane 2. ", actor=ANNA)
    event = Event.objects.get()
    assert (event.kind, event.message) == ("note", "Pipetting error in lane 2.")
    with pytest.raises(InvalidValue):
        add_note(runfolder.pk, "  ", actor=ANNA)
