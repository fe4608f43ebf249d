from __future__ import annotations

import pytest

from runfolders.errors import RunfolderPresent
from runfolders.models import Runfolder
from runfolders.selectors import visible_runfolders
from runfolders.services.visibility import (
    forget_runfolder,
    ignore_runfolder,
    unignore_runfolder,
)
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from seqhub.operations.services.attention import (
    close_attention,
    ignore_attention,
    open_attention,
)
from seqhub.operations.services.events import Actor
from tests.factories import RunfolderFactory

pytestmark = pytest.mark.django_db

ANNA = Actor("console", "anna")


def test_an_ignored_run_is_out_of_sight_until_it_is_wanted_again() -> None:
    runfolder = RunfolderFactory.create()
    open_attention(runfolder.subject, "stalled", "Stalled.")
    ignore_runfolder(runfolder.pk, actor=ANNA, reason="Test run.")
    assert not visible_runfolders().exists()
    assert not Attention.objects.exists()
    with pytest.raises(IllegalTransition):
        ignore_runfolder(runfolder.pk, actor=ANNA, reason="")
    unignore_runfolder(runfolder.pk, actor=ANNA)
    assert visible_runfolders().get() == runfolder
    with pytest.raises(IllegalTransition):
        unignore_runfolder(runfolder.pk, actor=ANNA)


def test_only_a_vanished_run_can_be_forgotten_and_its_history_stays() -> None:
    runfolder = RunfolderFactory.create()
    with pytest.raises(RunfolderPresent):
        forget_runfolder(runfolder.pk, actor=ANNA, reason="")
    Runfolder.objects.filter(pk=runfolder.pk).update(is_present=False)
    forget_runfolder(runfolder.pk, actor=ANNA, reason="Deleted by the lab.")
    assert not Runfolder.objects.exists()
    event = Event.objects.get()
    assert (event.runfolder_name, event.kind) == (runfolder.name, "forgotten")


def test_attention_is_once_per_subject_and_code_and_keeps_its_since() -> None:
    open_attention("root:1", "missing", "Not mounted.")
    since = Attention.objects.get().since
    open_attention("root:1", "missing", "Still not mounted.")
    row = Attention.objects.get()
    assert (row.message, row.since) == ("Still not mounted.", since)
    open_attention("root:1", "full", "Full.")
    close_attention("root:1", "missing")
    assert Attention.objects.get().code == "full"


def test_what_a_person_set_aside_stays_so_until_it_opens_afresh() -> None:
    open_attention("root:1", "missing", "Not mounted.")
    row = Attention.objects.get()
    ignore_attention(row.pk, actor=ANNA, reason="Known.")
    open_attention("root:1", "missing", "Not mounted.")
    row.refresh_from_db()
    assert row.ignored_by == "anna"
    close_attention("root:1")
    open_attention("root:1", "missing", "Not mounted.")
    assert Attention.objects.get().ignored_at is None
