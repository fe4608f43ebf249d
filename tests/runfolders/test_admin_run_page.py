from __future__ import annotations

import datetime as dt
import re

import pytest
from django.utils import timezone

from runfolders.models import Runfolder
from runfolders.panels.run_page import facts
from runfolders.selectors import usual_settling_s
from runfolders.services.notes import add_note
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.events import SCANNER, Actor, record_event
from tests.factories import InstrumentFactory, RunfolderFactory, SampleFactory
from tests.staff import staff

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"


def page_of(run: Runfolder) -> str:
    return f"/admin/runfolders/runfolder/{run.pk}/change/"


def test_the_page_opens_with_the_headline() -> None:
    run = RunfolderFactory.create(
        sequencing="settling", sequencing_reason="waiting for CopyComplete.txt"
    )
    text = staff("viewer").get(page_of(run)).content.decode()
    assert "Waiting for CopyComplete.txt. Settling for " in text


@pytest.mark.parametrize(
    ("sequencing", "is_live"),
    [("sequencing", True), ("settling", True), ("complete", False)],
)
def test_the_head_is_live_while_the_run_is_in_flight(
    sequencing: str, is_live: bool
) -> None:
    run = RunfolderFactory.create(sequencing=sequencing)
    client = staff("viewer")
    live = f"/admin/runfolders/runfolder/{run.pk}/live/"
    for page in (page_of(run), live):
        assert ("every 3s" in client.get(page).content.decode()) is is_live


def test_a_forgotten_run_reloads_its_live_page() -> None:
    answer = staff("viewer").get("/admin/runfolders/runfolder/7/live/")
    assert answer["HX-Refresh"] == "true"


def test_progress_is_said_in_cycles() -> None:
    run = RunfolderFactory.create(cycles_done=87, total_cycles=318)
    text = staff("viewer").get(page_of(run)).content.decode()
    assert "cycle 87/318" in text
    assert '<progress class="bar bar-primary" value="87" max="318"' in text


def test_an_early_end_is_said_beside_complete() -> None:
    run = RunfolderFactory.create(complete=True, outcome="ended_early")
    RunfolderFactory.create(complete=True, outcome="ok")
    client = staff("viewer")
    for page in (
        f"/admin/runfolders/runfolder/{run.pk}/live/",
        "/admin/runfolders/runfolder/",
    ):
        text = client.get(page).content.decode()
        chips = re.findall(r'class="chip chip-warning".*?ended early', text, re.S)
        assert len(chips) == 1


@pytest.mark.parametrize(
    ("value", "is_time"),
    [("2024-01-31T07:04:02.5Z", True), ("2024-01-31T07:04:02", True), ("soon", False)],
)
def test_the_time_of_the_end_is_shown_like_other_times(
    value: str, is_time: bool
) -> None:
    run = RunfolderFactory.create(extra={"ended": value, "recipe": "20240131"})
    kinds = {label: kind for label, _, kind in facts(run)}
    assert kinds["Ended"] == ("time" if is_time else "text")
    assert kinds["Recipe"] == "text"
    text = staff("viewer").get(page_of(run)).content.decode()
    assert (f"<dd>{value}" in text) is not is_time


def test_problems_of_the_sheet_stand_on_their_line() -> None:
    run = RunfolderFactory.create(
        sheet_problems=[
            {"code": "x", "message": "Index used twice.", "line": 21},
            {"code": "x", "message": "No [Settings].", "line": None},
            {"code": "x", "message": "Unknown key.", "line": 3},
        ]
    )
    SampleFactory.create(runfolder=run, line=21)
    panels = staff("viewer").get(page_of(run), {"tab": "samples"}).context["panels"]
    (panel,) = panels
    assert [said for _, said in panel.content["lines"]] == [["Index used twice."]]
    assert panel.content["general"] == ["No [Settings]."]
    assert panel.content["other"] == [(3, ["Unknown key."])]


def test_the_timeline_tells_people_from_machines() -> None:
    run = RunfolderFactory.create()
    record_event(run.subject, "found", "Found.", runfolder=(run.pk, run.name))
    add_note(run.pk, "Low yield.", actor=Actor(Source.CONSOLE, "anna"))
    client = staff("viewer")
    found = {}
    for who in ("", "people", "machine", "notes"):
        answer = client.get(page_of(run), {"tab": "timeline", "who": who})
        (panel,) = answer.context["panels"]
        found[who] = {event.message for event, _ in panel.content["events"]}
    assert found == {
        "": {"Found.", "Low yield."},
        "people": {"Low yield."},
        "machine": {"Found."},
        "notes": {"Low yield."},
    }


def test_what_is_read_from_disk_stays_text() -> None:
    run = RunfolderFactory.create(
        name=HOSTILE,
        flow_cell=HOSTILE,
        project=HOSTILE,
        experiment_name=HOSTILE,
        extra={HOSTILE: HOSTILE},
        problems=[{"code": "x", "message": HOSTILE, "line": None}],
        sheet_problems=[{"code": "x", "message": HOSTILE, "line": 21}],
    )
    SampleFactory.create(runfolder=run, sample_id=HOSTILE, project=HOSTILE, line=21)
    client = staff("viewer")
    pages = ["/admin/", "/admin/runfolders/runfolder/", "/admin/runfolders/sample/"]
    for page in (*pages, page_of(run), f"{page_of(run)}?tab=samples"):
        assert HOSTILE not in client.get(page).content.decode()


def test_usual_settling_needs_three_runs() -> None:
    instrument = InstrumentFactory.create()
    now = timezone.now()
    for minutes in (5, 20, 10):
        assert usual_settling_s(instrument.pk) is None
        run = RunfolderFactory.create(complete=True, instrument=instrument)
        for to, at in (("settling", minutes), ("complete", 0)):
            event = record_event(
                run.subject,
                "sequencing_changed",
                to,
                actor=SCANNER,
                runfolder=(run.pk, run.name),
                data={"to": to},
            )
            moment = now - dt.timedelta(minutes=at)
            Event.objects.filter(pk=event.pk).update(at=moment)
    assert usual_settling_s(instrument.pk) == (300, 1200)
