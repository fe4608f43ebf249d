from __future__ import annotations

import pytest

from runfolders.choices import State
from runfolders.errors import RunfolderNotFound, UnknownState
from runfolders.services.states import parse_state, pick_up, set_state
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST, RunfolderFactory

pytestmark = pytest.mark.django_db

ANNA = Actor("api", "anna")


@pytest.mark.parametrize("word", ["ready", "READY", "Ready"])
def test_a_state_is_known_in_any_letter_case(word: str) -> None:
    assert parse_state(word) is State.READY


@pytest.mark.parametrize("word", ["", "finished", None, 3, ["ready"]])
def test_it_refuses_an_unknown_state(word: object) -> None:
    with pytest.raises(UnknownState):
        parse_state(word)


@pytest.mark.parametrize("old", State.values)
@pytest.mark.parametrize("new", State.values)
def test_any_state_may_follow_any_other(old: str, new: str) -> None:
    runfolder = RunfolderFactory.create(state=old)
    set_state(runfolder.pk, new, actor=ANNA)
    runfolder.refresh_from_db()
    assert runfolder.state == new
    assert Event.objects.count() == (old != new)


def test_a_change_is_recorded_with_actor_and_reason() -> None:
    runfolder = RunfolderFactory.create(state="ready")
    set_state(runfolder.pk, "error", actor=ANNA, reason="Disk broke.")
    event = Event.objects.get()
    assert (event.actor, event.source, event.kind) == ("anna", "api", "state_changed")
    assert event.data == {"from": "ready", "to": "error", "reason": "Disk broke."}
    assert event.runfolder_name == runfolder.name


def test_a_run_folder_that_is_gone_is_named_as_such() -> None:
    with pytest.raises(RunfolderNotFound):
        set_state(999_999, "done", actor=ANNA)


def test_pickup_gives_the_run_that_has_been_complete_the_longest() -> None:
    first, second = RunfolderFactory.create_batch(2, complete=True)
    picked = [pick_up(HOST, actor=ANNA), pick_up(HOST, actor=ANNA)]
    assert [row.pk for row in picked if row] == [first.pk, second.pk]
    assert all(row.state == "pending" for row in picked if row)
    assert pick_up(HOST, actor=ANNA) is None


def test_pickup_passes_over_what_is_not_to_be_handed_out() -> None:
    RunfolderFactory.create(complete=True).holds.create(
        reason="", held_by="", held_at="2024-01-01T00:00Z"
    )
    RunfolderFactory.create(complete=True, is_present=False)
    RunfolderFactory.create(complete=True, ignored_at="2024-01-01T00:00Z")
    RunfolderFactory.create(complete=True, root__is_configured=False)
    RunfolderFactory.create(complete=True, root__host="elsewhere")
    RunfolderFactory.create(complete=True, state="done")
    gone = RunfolderFactory.create(complete=True)
    assert pick_up(HOST, actor=ANNA, skip=frozenset({gone.pk})) is None
