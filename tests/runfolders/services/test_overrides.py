from __future__ import annotations

import pytest

from runfolders.choices import Sequencing
from runfolders.services.sequencing import (
    change_sequencing,
    lift_override,
    override_sequencing,
)
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Event
from seqhub.operations.services.events import SCANNER, Actor
from tests.factories import RunfolderFactory

pytestmark = pytest.mark.django_db

ANNA = Actor("console", "anna")


def test_a_run_that_becomes_complete_is_offered_to_clients() -> None:
    runfolder = RunfolderFactory.create()
    change_sequencing(runfolder, Sequencing.COMPLETE, "all there", actor=SCANNER)
    runfolder.refresh_from_db()
    assert (runfolder.sequencing, runfolder.state) == ("complete", "ready")
    assert runfolder.completed_at is not None
    kinds = list(Event.objects.values_list("kind", flat=True))
    assert sorted(kinds) == ["sequencing_changed", "state_changed"]


@pytest.mark.parametrize("state", ["pending", "started", "done", "error", "cancelled"])
def test_a_state_that_a_client_set_is_left_alone(state: str) -> None:
    runfolder = RunfolderFactory.create(state=state)
    change_sequencing(runfolder, Sequencing.COMPLETE, "all there", actor=SCANNER)
    runfolder.refresh_from_db()
    assert runfolder.state == state


def test_the_same_word_again_only_renews_the_reason() -> None:
    runfolder = RunfolderFactory.create()
    change_sequencing(runfolder, Sequencing.SEQUENCING, "cycle 3", actor=SCANNER)
    runfolder.refresh_from_db()
    assert runfolder.sequencing_reason == "cycle 3"
    assert not Event.objects.exists()


def test_a_marker_that_disappears_takes_completion_back() -> None:
    runfolder = RunfolderFactory.create(complete=True)
    change_sequencing(runfolder, Sequencing.SETTLING, "marker gone", actor=SCANNER)
    runfolder.refresh_from_db()
    assert runfolder.completed_at is None


def test_a_person_can_say_that_a_run_is_complete() -> None:
    runfolder = RunfolderFactory.create(sequencing_on_disk="sequencing")
    override_sequencing(
        runfolder.pk, Sequencing.COMPLETE, actor=ANNA, reason="Copied by hand."
    )
    runfolder.refresh_from_db()
    assert runfolder.is_overridden
    assert (runfolder.sequencing, runfolder.state) == ("complete", "ready")
    assert "Copied by hand." in runfolder.sequencing_reason


def test_lifting_the_override_believes_the_disk_again() -> None:
    runfolder = RunfolderFactory.create(
        sequencing="failed", sequencing_on_disk="settling", is_overridden=True
    )
    lift_override(runfolder.pk, actor=ANNA)
    runfolder.refresh_from_db()
    assert (runfolder.sequencing, runfolder.is_overridden) == ("settling", False)


def test_a_persons_word_is_in_the_history_also_where_the_disk_agrees() -> None:
    runfolder = RunfolderFactory.create(complete=True)
    override_sequencing(runfolder.pk, Sequencing.COMPLETE, actor=ANNA, reason="Sure.")
    lift_override(runfolder.pk, actor=ANNA, reason="Enough.")
    kinds = list(Event.objects.order_by("id").values_list("kind", "actor"))
    assert kinds == [("overridden", "anna"), ("override_lifted", "anna")]


def test_it_refuses_what_makes_no_sense() -> None:
    present = RunfolderFactory.create()
    gone = RunfolderFactory.create(is_present=False)
    marked = RunfolderFactory.create(sequencing="failed", is_overridden=True)
    with pytest.raises(IllegalTransition):
        override_sequencing(present.pk, Sequencing.SETTLING, actor=ANNA, reason="x")
    with pytest.raises(IllegalTransition):
        override_sequencing(gone.pk, Sequencing.COMPLETE, actor=ANNA, reason="x")
    with pytest.raises(IllegalTransition):
        override_sequencing(marked.pk, Sequencing.FAILED, actor=ANNA, reason="x")
    with pytest.raises(IllegalTransition):
        lift_override(present.pk, actor=ANNA)
    assert not Event.objects.exists()
