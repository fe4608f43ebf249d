"""What people say of a workflow at the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from seqhub.operations.models import Event
from tests.clients import make_user
from tests.factories import RunfolderFactory
from tests.staff import staff
from tests.turret.factories import WorkflowFactory
from tests.turret.pages import LIST, page_of
from turret.models import Workflow

pytestmark = pytest.mark.django_db

BECAUSE = {"reason": "Because."}


def do(client: Client, row: Workflow, key: str, **answers: Any) -> Any:
    return client.post(f"{LIST}{row.pk}/do/{key}/", {**BECAUSE, **answers})


ACTIONS = [
    ("link", {"run": "230825_M04034"}, "linked"),
    ("labels", {"labels": "a, b"}, "labelled"),
    ("owner", {"owner": ""}, "owner_changed"),
    ("unknown", {}, "marked_unknown"),
]


@pytest.mark.parametrize(("key", "answers", "kind"), ACTIONS)
def test_an_operator_acts_with_a_reason(
    key: str, answers: dict[str, str], kind: str
) -> None:
    RunfolderFactory.create(name="230825_M04034")
    client = staff("operator")
    row = WorkflowFactory.create()
    assert f"{LIST}{row.pk}/do/{key}/" in client.get(page_of(row)).content.decode()
    assert client.get(f"{LIST}{row.pk}/do/{key}/").status_code == 200
    assert not Event.objects.exists()
    assert do(client, row, key, **answers)["Location"] == page_of(row)
    event = Event.objects.get(kind=kind)
    assert (event.actor, event.source) == ("operator", "console")
    assert "Because." in event.message


@pytest.mark.parametrize("key", ["link", "labels", "owner", "unknown", "delete"])
def test_a_viewer_changes_nothing(key: str) -> None:
    client = staff("viewer")
    row = WorkflowFactory.create()
    assert do(client, row, key).status_code == 403
    assert "/do/" not in client.get(page_of(row)).content.decode()
    assert not Event.objects.exists()


def test_what_was_said_is_kept() -> None:
    client = staff("operator")
    run = RunfolderFactory.create(name="230825_M04034")
    row, user = WorkflowFactory.create(), make_user()
    do(client, row, "link", run=" 230825_M04034 ")
    do(client, row, "labels", labels="clinical, , urgent")
    do(client, row, "owner", owner=str(user.pk))
    row.refresh_from_db()
    assert (row.runfolder, row.owner) == (run, user)
    assert row.labels == ["clinical", "urgent"]
    do(client, row, "link", run="")
    row.refresh_from_db()
    assert row.runfolder is None


def test_a_run_that_nobody_knows_is_refused_in_the_dialog() -> None:
    row = WorkflowFactory.create()
    answer = do(staff("operator"), row, "link", run="nothing")
    assert "No run folder is called nothing." in answer.content.decode()


def test_a_manager_deletes_a_workflow_and_its_events_stay() -> None:
    row = WorkflowFactory.create(ended=True)
    assert do(staff("operator"), row, "delete").status_code == 403
    answer = do(staff("manager"), row, "delete")
    assert answer["Location"] == LIST
    assert not Workflow.objects.exists()
    assert Event.objects.filter(kind="deleted").exists()


def test_deleting_wants_a_reason() -> None:
    row = WorkflowFactory.create(ended=True)
    answer = staff("manager").post(f"{LIST}{row.pk}/do/delete/", {"reason": " "})
    assert "This field is required" in answer.content.decode()
    assert Workflow.objects.exists()


def test_many_workflows_are_marked_one_by_one_and_each_refusal_is_said() -> None:
    client = staff("operator")
    running, ended = WorkflowFactory.create(), WorkflowFactory.create(ended=True)
    data = {
        "action": "unknown",
        "index": "0",
        "_selected_action": [str(running.pk), str(ended.pk)],
        "confirmed": "1",
        **BECAUSE,
    }
    text = client.post(LIST, data, follow=True).content.decode()
    assert "1 workflow: Unknown from now on." in text
    assert "is succeeded: it is not under way" in text


def test_a_request_from_elsewhere_is_refused() -> None:
    row = WorkflowFactory.create()
    assert do(staff("operator", csrf=True), row, "unknown").status_code == 403
    assert not Event.objects.exists()
