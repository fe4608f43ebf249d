"""Folders that could not be told from runs at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.refresh import refresh_path
from runfolders.services.states import set_state
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.factories import HOST
from tests.runfolders.runs import age
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
ANNA = Actor(Source.CONSOLE, "anna")


@pytest.fixture
def wash(root: Path) -> Path:
    """A wash whose file does not say so yet."""
    folder = root / "20240926_AV242106_WASH1"
    folder.mkdir()
    parameters = folder / "RunParameters.json"
    parameters.write_text('{"RunName": "x"}')
    age(folder, 100)
    scan()
    assert row_of(folder).sequencing == Sequencing.SEQUENCING
    parameters.write_text('{"RunType": "Wash", "RunName": "x"}')
    age(folder, 50)
    return folder


def test_what_turns_out_to_be_no_run_is_forgotten(wash: Path) -> None:
    for _ in range(3):
        scan()
    assert not Runfolder.objects.exists()
    event = Event.objects.get(kind="forgotten")
    assert event.runfolder_name == wash.name
    assert event.message == (
        "Forgotten. RunParameters.json is of a Wash, not of a sequencing run."
    )


def test_what_somebody_worked_with_stays_as_gone(wash: Path) -> None:
    row = row_of(wash)
    set_state(row.pk, "done", actor=ANNA)
    for _ in range(3):
        scan()
    row.refresh_from_db()
    assert (row.is_present, row.sequencing) == (False, Sequencing.VANISHED)
    assert row.sequencing_reason == (
        "RunParameters.json is of a Wash, not of a sequencing run"
    )
    assert Runfolder.objects.count() == 1


def test_asked_for_it_is_a_plain_directory(wash: Path) -> None:
    assert refresh_path(HOST, str(wash)).pk is None
