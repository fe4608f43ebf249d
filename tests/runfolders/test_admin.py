from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client, RequestFactory

from runfolders.choices import Sequencing
from runfolders.models import Instrument, Note, Runfolder
from runfolders.services.holds import hold
from seqhub.lib.turns import MOST_AT_ONCE, Turn
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import Actor
from tests.factories import (
    InstrumentFactory,
    RootFactory,
    RunfolderFactory,
    SampleFactory,
)
from tests.staff import staff

pytestmark = pytest.mark.django_db

ANNA = Actor(Source.CONSOLE, "anna")
LIST = "/admin/runfolders/runfolder/"
BECAUSE = {"reason": "Because."}


def page_of(run: Runfolder) -> str:
    return f"{LIST}{run.pk}/change/"


def do(client: Client, run: Runfolder, key: str, **answers: str) -> Any:
    return client.post(f"{LIST}{run.pk}/do/{key}/", {**BECAUSE, **answers})


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def names(answer: Any) -> list[str]:
    return [run.name for run in answer.context["cl"].result_list]


# key, how the run is before, the event that the service writes
OVERRIDES = [
    ("hold", {}, "held"),
    ("set_state", {}, "state_changed"),
    ("mark_complete", {}, "sequencing_changed"),
    ("mark_failed", {}, "sequencing_changed"),
    (
        "lift_override",
        {"sequencing_on_disk": "complete", "is_overridden": True},
        "sequencing_changed",
    ),
    ("ignore", {}, "ignored"),
    ("rescan", {}, "scan_requested"),
]


@pytest.mark.parametrize(("key", "fields", "kind"), OVERRIDES)
def test_an_operator_overrides_with_a_reason(
    key: str, fields: dict[str, Any], kind: str
) -> None:
    client = staff("operator")
    run = RunfolderFactory.create(**fields)
    answer = do(client, run, key, state="done")
    assert answer.status_code == 302
    assert answer["Location"] == page_of(run)
    event = Event.objects.get(kind=kind)
    assert (event.actor, event.source) == ("operator", "console")


@pytest.mark.parametrize("key", [key for key, _, _ in OVERRIDES] + ["forget"])
def test_a_viewer_changes_nothing(key: str) -> None:
    client = staff("viewer")
    run = RunfolderFactory.create(is_present=False)
    assert do(client, run, key, state="done").status_code == 403
    assert not Event.objects.exists()
    assert "/do/" not in client.get(page_of(run)).content.decode()


@pytest.mark.parametrize("key", ["hold", "set_state", "mark_complete", "ignore"])
def test_looking_at_a_dialog_changes_nothing(key: str) -> None:
    client = staff("operator")
    run = RunfolderFactory.create()
    assert client.get(f"{LIST}{run.pk}/do/{key}/").status_code == 200
    assert not Event.objects.exists()


@pytest.mark.parametrize("key", ["hold", "set_state", "mark_complete", "ignore"])
def test_an_override_needs_a_reason(key: str) -> None:
    client = staff("operator")
    run = RunfolderFactory.create()
    answer = do(client, run, key, reason=" ", state="done")
    assert "This field is required" in answer.content.decode()
    assert not Event.objects.exists()


def test_a_refusal_is_said_in_the_dialog() -> None:
    client = staff("operator")
    run = RunfolderFactory.create()
    hold(run.pk, actor=ANNA, reason="Wait.")
    answer = do(client, run, "hold")
    assert f"{run.name} is on hold already." in answer.content.decode()
    assert run.holds.count() == 1


def test_a_request_from_elsewhere_is_refused() -> None:
    client = staff("operator", csrf=True)
    run = RunfolderFactory.create()
    assert do(client, run, "hold").status_code == 403
    assert client.post(f"{LIST}{run.pk}/note/", {"text": "x"}).status_code == 403
    assert client.post("/admin/runfolders/root/scan/").status_code == 403
    assert not Event.objects.exists()


def test_an_answer_leads_to_this_site_only() -> None:
    client = staff("operator")
    run = RunfolderFactory.create()
    answer = do(client, run, "hold", next="https://example.org/")
    assert answer["Location"] == page_of(run)


def test_only_a_manager_forgets_a_vanished_run() -> None:
    run = RunfolderFactory.create(sequencing="vanished", is_present=False)
    assert do(staff("operator"), run, "forget").status_code == 403
    manager = staff("manager")
    assert do(manager, run, "forget")["Location"] == LIST
    assert not Runfolder.objects.exists()
    # Its history can still be read where its page was.
    answer = manager.get(page_of(run), follow=True)
    assert "Forgotten. Because." in answer.content.decode()


def test_forgetting_a_run_on_disk_is_refused() -> None:
    run = RunfolderFactory.create()
    assert "still on disk" in do(staff("manager"), run, "forget").content.decode()
    assert Runfolder.objects.exists()


def bulk(client: Client, key: str, runs: list[Runfolder], **more: str) -> Any:
    chosen = [str(run.pk) for run in runs]
    data = {"action": key, "index": "0", "_selected_action": chosen, **BECAUSE, **more}
    return client.post(LIST, data)


def test_many_runs_are_changed_one_by_one_and_each_refusal_is_said() -> None:
    client = staff("operator")
    free, held = RunfolderFactory.create(), RunfolderFactory.create()
    hold(held.pk, actor=ANNA, reason="Wait.")
    asked = bulk(client, "hold", [free, held])
    assert free.name in asked.content.decode()
    assert not free.holds.exists()
    answer = bulk(client, "hold", [free, held], confirmed="1")
    assert free.holds.count() == held.holds.count() == 1
    assert said(answer) == [
        "1 run: On hold.",
        f"Refused: {held.name} is on hold already.",
    ]


def test_a_viewer_is_offered_no_change_of_many_runs() -> None:
    run = RunfolderFactory.create()
    bulk(staff("viewer"), "hold", [run], confirmed="1")
    assert not run.holds.exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_csv_holds_no_formulas(start: str) -> None:
    run = RunfolderFactory.create(name=f"{start}HYPERLINK(1)", project="a,b")
    answer = bulk(staff("viewer"), "export_csv", [run])
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["name"] == f"'{start}HYPERLINK(1)"
    assert rows[0]["project"] == "a,b"


def test_csv_is_read_whole_before_it_is_sent(rf: RequestFactory) -> None:
    """Whoever reads slowly keeps no connection to the database, and few do at once."""
    run = RunfolderFactory.create()
    person = staff("viewer")
    taken = [Turn(rf.get("/")) for _ in range(MOST_AT_ONCE)]
    answer = bulk(person, "export_csv", [run])
    assert answer.status_code == 302
    for turn in taken:
        turn.close()
    answer = bulk(person, "export_csv", [run])
    size = answer["Content-Length"]
    run.delete()
    text = b"".join(answer.streaming_content)
    assert run.name in text.decode()
    assert len(text) == int(size)


def test_the_list_opens_on_what_needs_a_person() -> None:
    done = RunfolderFactory.create(complete=True)
    flying = RunfolderFactory.create()
    bad = RunfolderFactory.create(sequencing=Sequencing.UNREADABLE)
    open_attention(bad.subject, "x", "Look.", runfolder=(bad.pk, bad.name))
    newest = RunfolderFactory.create(complete=True)
    answer = staff("viewer").get(LIST)
    assert names(answer) == [row.name for row in (bad, flying, newest, done)]


def test_each_view_counts_what_it_shows() -> None:
    client = staff("viewer")
    for sequencing in Sequencing:
        RunfolderFactory.create(sequencing=sequencing)
    RunfolderFactory.create(complete=True, state="error")
    RunfolderFactory.create(root=RootFactory.create(is_configured=False))
    ignored = RunfolderFactory.create()
    do(staff("operator"), ignored, "ignore")
    views = client.get(LIST).context["views"]
    assert {view.label for view in views} >= {"All", "Error", "Failed", "Ignored"}
    for view in views:
        answer = client.get(f"{LIST}{view.query}")
        assert answer.context["cl"].result_count == view.count


@pytest.mark.parametrize("text", ["AH7XX", "liver-3", "P2211", "A01234_0007"])
def test_search_finds_runs_by_flow_cell_sample_project_and_name(text: str) -> None:
    run = RunfolderFactory.create(
        name="240131_A01234_0007_B", flow_cell="AH7XXDRXX", project="P2211"
    )
    SampleFactory.create(runfolder=run, sample_id="liver-3")
    SampleFactory.create(runfolder=run, sample_id="liver-33")
    RunfolderFactory.create()
    assert names(staff("viewer").get(LIST, {"q": text})) == [run.name]


def test_a_sample_leads_to_its_run() -> None:
    sample = SampleFactory.create(sample_id="liver-3")
    answer = staff("viewer").get("/admin/runfolders/sample/", {"q": "LIVER-3"})
    assert page_of(sample.runfolder) in answer.content.decode()


def test_a_note_is_kept_with_its_author() -> None:
    run = RunfolderFactory.create()
    client = staff("operator")
    client.post(f"{LIST}{run.pk}/note/", {"text": "Low yield."})
    note = Note.objects.get()
    assert (note.text, note.author) == ("Low yield.", "operator")
    assert "Low yield." in client.get(page_of(run)).content.decode()


def test_a_viewer_writes_no_notes() -> None:
    run = RunfolderFactory.create()
    answer = staff("viewer").post(f"{LIST}{run.pk}/note/", {"text": "x"})
    assert answer.status_code == 403


def test_the_lab_names_its_instruments() -> None:
    instrument = InstrumentFactory.create()
    page = f"/admin/runfolders/instrument/{instrument.pk}/change/"
    staff("operator").post(page, {"name": "Nova", "serial": "X"})
    staff("viewer").post(page, {"name": "Hacked"})
    instrument.refresh_from_db()
    assert (instrument.name, instrument.serial[:1]) == ("Nova", "A")
    assert Instrument.objects.count() == 1


def test_scan_now_asks_each_host_once() -> None:
    for host in ("a", "a", "b"):
        RootFactory.create(host=host)
    client = staff("operator")
    assert client.get("/admin/runfolders/root/scan/").status_code == 405
    client.post("/admin/runfolders/root/scan/")
    subjects = Event.objects.values_list("subject", flat=True).order_by("subject")
    assert list(subjects) == ["host:a", "host:b"]
