"""The page of a launch: what it says, its log, and what can be done."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from seqhub.operations.models import Event
from seqhub.operations.services.attention import open_attention
from tests.factories import RunfolderFactory
from tests.staff import staff
from tests.turret.factories import (
    LaunchFactory,
    PipelineFactory,
    ProcessFactory,
    TaskFactory,
    WorkflowFactory,
)
from tests.turret.launch_forms import launch_below
from turret.choices import LaunchState, Status
from turret.models import Launch
from turret.panels.launch_params import differences

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
ESC = "\x1b"


def page_of(row: Launch, rest: str = "change/") -> str:
    return f"/admin/turret/launch/{row.pk}/{rest}"


def text_of(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode()).replace("<wbr>", "")


def ended(state: LaunchState = LaunchState.FAILED, **values: Any) -> Launch:
    now = timezone.now()
    return LaunchFactory.create(state=state, finished_at=now, **values)


def with_log(directory: Path, text: str | bytes, **values: Any) -> Launch:
    data = text.encode() if isinstance(text, str) else text
    (directory / "output.log").write_bytes(data)
    return LaunchFactory.create(directory=str(directory), **values)


# --- what it says


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"state": "pending", "message": "3 launches run on this host."},
            "3 launches run on this host.",
        ),
        ({"state": "pending"}, "Waits for its turn on testhost."),
        ({"state": "starting"}, "Nextflow is being started on testhost."),
        ({"workflow__begun_at": None}, "and has told of no task yet."),
        ({"cancel_asked_at": timezone.now()}, "It was told to stop"),
        ({"state": "succeeded"}, "Nextflow has ended well, after"),
        ({"state": "cancelled", "started_at": None}, "cancelled before it began."),
        (
            {"state": "failed", "message": "No space.", "next_step": "Make room."},
            "Make room.",
        ),
        ({"state": "failed", "message": "--token=abcdef is bad"}, "--token=[masked]"),
    ],
)
def test_it_opens_with_why_it_waits_or_ended_as_it_did(
    values: dict[str, Any], said: str
) -> None:
    row = LaunchFactory.create(**values)
    assert said in text_of(staff("viewer"), page_of(row))


def test_the_head_counts_the_tasks_of_its_workflow_and_leads_there() -> None:
    workflow = WorkflowFactory.create(
        status=Status.FAILED, succeeded=1, failed=1, process_names=["DEMO:ALIGN"]
    )
    ProcessFactory.create(workflow=workflow, name="DEMO:ALIGN", succeeded=1, failed=1)
    TaskFactory.create(workflow=workflow, status="failed", exit=137)
    TaskFactory.create(workflow=workflow)
    row = ended(workflow=workflow)
    said = text_of(staff("viewer"), page_of(row))
    assert "2 of 2 tasks" in said
    assert f"/admin/turret/workflow/{workflow.pk}/change/?tab=tasks" in said


def test_attention_of_the_launch_and_of_its_run_stand_on_its_page() -> None:
    row = ended()
    open_attention(row.subject, "launch_lost", "It is lost.", next_step="Look.")
    open_attention(row.workflow.subject, "failed", "The run failed.", next_step="Look.")
    said = text_of(staff("viewer"), page_of(row))
    assert "It is lost." in said
    assert "The run failed." in said


def test_a_launch_that_moves_asks_again_and_one_that_has_ended_does_not() -> None:
    client = staff("viewer")
    moving, done = LaunchFactory.create(), ended()
    assert page_of(moving, "live/") in text_of(client, page_of(moving))
    assert page_of(done, "live/") not in text_of(client, page_of(done))
    assert 'id="run-head"' in text_of(client, page_of(moving, "live/"))


def test_what_came_of_it_and_what_it_came_of_are_linked() -> None:
    parent = ended()
    child = LaunchFactory.create(parent=parent, resumed_session="x")
    client = staff("viewer")
    assert page_of(child) in text_of(client, page_of(parent))
    assert page_of(parent) in text_of(client, page_of(child))


@pytest.mark.parametrize("tab", ["overview", "parameters", "command", "timeline"])
def test_what_people_typed_stays_text(tab: str, tmp_path: Path) -> None:
    row = with_log(
        tmp_path,
        HOSTILE,
        source=HOSTILE,
        message=HOSTILE,
        next_step=HOSTILE,
        revision=HOSTILE,
        params={HOSTILE: HOSTILE},
        config_text=HOSTILE,
        labels=[HOSTILE],
        state="failed",
    )
    said = text_of(staff("operator"), page_of(row), tab=tab)
    assert HOSTILE not in said
    assert "&lt;script&gt;" in said


@pytest.mark.parametrize("key", ["0", "9" * 30, "x", "²"])
def test_a_launch_that_is_not_there_is_not_found(key: str) -> None:
    answer = staff("viewer").get(f"/admin/turret/launch/{key}/change/")
    assert answer.status_code == 404


# --- parameters and command


def test_differences_tell_what_is_new_changed_and_left_out() -> None:
    now = {"genome": "GRCh38", "trim": {"q": 20}, "same": 1, "password": "new"}
    was = now | {"genome": "GRCh37", "trim": {"q": 20, "a": "A"}, "password": "old"}
    lines = differences(now, was)
    told = {line.name: (line.how, line.value, line.was) for line in lines}
    assert told == {
        "genome": ("changed", "GRCh38", "GRCh37"),
        "password": ("changed", "[masked]", "[masked]"),
        "same": ("", "1", "1"),
        "trim.a": ("left out", None, "A"),
        "trim.q": ("", "20", "20"),
    }


def test_parameters_are_shown_with_what_the_parent_had() -> None:
    parent = ended(params={"genome": "GRCh37"})
    row = LaunchFactory.create(params={"genome": "GRCh38"}, parent=parent)
    said = text_of(staff("operator"), page_of(row), tab="parameters")
    assert "GRCh38" in said
    assert "GRCh37" in said


@pytest.mark.parametrize("tab", ["parameters", "command"])
def test_secrets_are_masked_and_viewers_see_no_parameters(tab: str) -> None:
    row = LaunchFactory.create(
        params={"genome": "GRCh38", "api_token": "hunter2"},
        config_text="aws.secretKey = 'hunter2'",
    )
    operator = text_of(staff("operator"), page_of(row), tab=tab)
    assert "GRCh38" in operator
    assert "hunter2" not in operator
    viewer = text_of(staff("viewer"), page_of(row), tab=tab)
    assert "GRCh38" not in viewer
    assert "hunter2" not in viewer


def test_who_launched_it_sees_what_they_sent() -> None:
    client = staff("viewer")
    owner = User.objects.get(username="viewer")
    row = LaunchFactory.create(params={"genome": "GRCh38"}, owner=owner)
    assert "GRCh38" in text_of(client, page_of(row), tab="parameters")


def test_the_exact_command_and_names_of_the_environment_are_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_LICENCE", "hunter2")
    row = LaunchFactory.create(
        host=settings.CONFIG.host, compute__environment=["MY_LICENCE"], profile="docker"
    )
    said = text_of(staff("operator"), page_of(row), tab="command")
    assert f"-name {row.run_name} -params-file" in said
    assert "-profile docker" in said
    assert "<code>MY_LICENCE</code>" in said
    assert "hunter2" not in said


# --- what can be done


def keys(answer: Any) -> list[str]:
    """In their order; those in the menu in brackets."""
    return [
        f"({button.key})" if button.is_rare else button.key
        for button in answer.context["buttons"]
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": "pending", "started_at": None}, ["cancel", "edit"]),
        ({}, ["cancel", "edit"]),
        ({"cancel_asked_at": timezone.now()}, ["edit"]),
        (
            {"state": "failed"},
            ["resume", "edit-resume", "(relaunch)", "(edit)", "(clear)"],
        ),
        (
            {"state": "succeeded"},
            ["relaunch", "edit", "(resume)", "(edit-resume)", "(clear)"],
        ),
        ({"state": "failed", "started_at": None}, ["relaunch", "edit", "(clear)"]),
        ({"state": "lost", "cleared_at": timezone.now()}, ["relaunch", "edit"]),
    ],
)
def test_buttons_are_what_makes_sense(
    values: dict[str, Any], expected: list[str]
) -> None:
    row = LaunchFactory.create(**values)
    assert keys(staff("operator").get(page_of(row))) == expected
    assert keys(staff("viewer").get(page_of(row))) == []


@pytest.mark.parametrize("key", ["cancel", "resume", "relaunch", "edit", "nothing"])
def test_viewers_do_nothing(key: str) -> None:
    row = LaunchFactory.create(state="pending")
    answer = staff("viewer").post(page_of(row, f"do/{key}/"), {"reason": ""})
    assert answer.status_code == 403
    assert Launch.objects.get().state == LaunchState.PENDING


def test_a_launch_is_cancelled_with_its_reason() -> None:
    row = LaunchFactory.create()
    client = staff("operator")
    assert "Nextflow is told to stop" in text_of(client, page_of(row, "do/cancel/"))
    answer = client.post(page_of(row, "do/cancel/"), {"reason": "the wrong sheet"})
    assert answer["Location"] == page_of(row)
    row.refresh_from_db()
    assert row.cancel_asked_at is not None
    event = Event.objects.get(subject=row.subject)
    assert "the wrong sheet" in event.message
    assert event.actor == "operator"


def test_what_has_ended_meanwhile_is_not_cancelled_and_the_dialog_says_so() -> None:
    row = ended()
    answer = staff("operator").post(page_of(row, "do/cancel/"), {"reason": ""})
    assert answer.status_code == 200
    assert "there is nothing to cancel" in answer.content.decode()


def test_resume_leads_to_a_new_launch_in_the_same_session(tmp_path: Path) -> None:
    session = str(uuid.uuid4())
    row = ended(
        directory=str(tmp_path),
        workflow__session_id=session,
        params={"genome": "GRCh38"},
        max_run_time_s=3600,
    )
    client = staff("operator")
    assert 'value="1"' in text_of(client, page_of(row, "do/resume/"))
    answer = client.post(
        page_of(row, "do/resume/"), {"max_run_time_h": "2.5", "reason": "more time"}
    )
    made = Launch.objects.get(parent=row)
    assert answer["Location"] == page_of(made)
    assert made.resumed_session == session
    assert made.launch_dir == row.launch_dir
    assert made.params == row.params
    assert made.max_run_time_s == 9000
    events = Event.objects.filter(subject=made.subject)
    assert any("more time" in event.message for event in events)


def test_relaunch_leads_to_a_new_launch_of_its_own() -> None:
    row = ended(params={"genome": "GRCh38"})
    answer = staff("operator").post(page_of(row, "do/relaunch/"), {"reason": ""})
    made = Launch.objects.get(parent=row)
    assert answer["Location"] == page_of(made)
    assert made.resumed_session == ""
    assert made.launch_dir != row.launch_dir
    assert made.params == row.params


def test_edit_leads_to_the_form_with_its_values() -> None:
    row = ended()
    said = text_of(staff("operator"), page_of(row))
    assert f"/admin/turret/launch/add/?from={row.launch_id}" in said
    assert f"/admin/turret/launch/add/?resume={row.launch_id}" in said


def test_a_workflows_page_has_the_buttons_of_its_launch() -> None:
    row = ended()
    page = f"/admin/turret/workflow/{row.workflow_id}/change/"
    client = staff("operator")
    buttons = ["resume", "edit-resume", "(relaunch)", "(edit)", "(clear)", "launch"]
    assert keys(client.get(page)) == buttons
    assert page_of(row) in text_of(client, page)
    assert keys(staff("viewer").get(page)) == ["launch"]


def test_a_waiting_launchs_workflow_says_that_it_waits() -> None:
    run = RunfolderFactory.create()
    row = LaunchFactory.create(
        state="pending",
        message="3 launches run on this host.",
        workflow__status=Status.SUBMITTED,
        workflow__begun_at=None,
        workflow__runfolder=run,
    )
    client = staff("viewer")
    run_page = f"/admin/runfolders/runfolder/{run.pk}/change/?tab=workflows"
    page = f"/admin/turret/workflow/{row.workflow_id}/change/"
    assert "3 launches run on this host." in text_of(client, page)
    assert "3 launches run on this host." in text_of(client, "/admin/")
    assert "3 launches run on this host." in text_of(client, run_page)


def test_a_task_whose_number_is_not_known_yet_has_none() -> None:
    row = LaunchFactory.create()
    TaskFactory.create(workflow=row.workflow, task_id=-7_131_313)
    page = f"/admin/turret/workflow/{row.workflow_id}/change/"
    said = text_of(staff("viewer"), page, tab="tasks")
    assert '<td class="right">–</td>' in said
    assert '<td class="right">-7131313</td>' not in said


def test_a_run_of_a_shell_can_be_resumed_where_its_directory_is_allowed(
    tmp_path: Path, settings: Settings
) -> None:
    allowed = launch_below(settings, tmp_path)
    (allowed / "run" / ".nextflow").mkdir(parents=True)
    session = str(uuid.uuid4())
    row = WorkflowFactory.create(
        status=Status.FAILED,
        session_id=session,
        launch_dir=str(allowed / "run"),
        work_dir=str(allowed / "run" / "work"),
    )
    other = WorkflowFactory.create(status=Status.FAILED, launch_dir="/elsewhere")
    client = staff("operator")
    page = "/admin/turret/workflow/{}/change/"
    assert keys(client.get(page.format(row.pk))) == ["resume", "edit-resume"]
    assert keys(client.get(page.format(other.pk))) == []
    answer = client.post(f"/admin/turret/launch/resume/{row.pk}/", {"reason": ""})
    made = Launch.objects.get(resumed_session=session)
    assert answer["Location"] == page_of(made)
    assert f"?session_id={session}" in text_of(client, page_of(made))
    answer = client.post(f"/admin/turret/launch/resume/{other.pk}/", {"reason": ""})
    assert "can&#x27;t be resumed here" in answer.content.decode()


def test_the_page_takes_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = staff("operator")
    row = ended(parent=ended(), pipeline=PipelineFactory.create())
    LaunchFactory.create(parent=row)
    with django_assert_max_num_queries(20) as few:
        client.get(page_of(row))
    for _ in range(9):
        LaunchFactory.create(parent=row, started_at=timezone.now() - dt.timedelta(1))
        TaskFactory.create(workflow=row.workflow)
    with django_assert_max_num_queries(20) as many:
        client.get(page_of(row))
    assert len(many) == len(few)
