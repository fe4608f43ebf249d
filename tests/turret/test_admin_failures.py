"""What the page of a workflow says of its failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.staff import staff
from tests.turret.factories import WorkflowFactory
from tests.turret.pages import LIST, page_of, shown, task_of, text_of
from turret.choices import Status, TaskStatus
from turret.models import Workflow

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def failed_workflow(work_dir: str = "/data/work/ab/1") -> Workflow:
    row = WorkflowFactory.create(
        status=Status.FAILED,
        ended_at=NOW,
        error_message="it broke",
        error_report="Error executing process > 'ALIGN (s1)'",
    )
    fields = {"process": "ALIGN", "workdir": work_dir, "tag": "s1"}
    task_of(row, 1, TaskStatus.FAILED, exit=137, error_action="terminate", **fields)
    task_of(row, 2, TaskStatus.FAILED, exit=1, error_action="retry", **fields)
    return row


def readable(settings: Settings, root: Path) -> None:
    section = settings.CONFIG.turret.model_copy(update={"readable_roots": [root]})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})


def test_failures_come_first_with_their_cause() -> None:
    text = text_of(staff("viewer"), page_of(failed_workflow()))
    panel = text[text.index('id="panel-failures"') : text.index('id="panel-facts"')]
    assert "more memory than it had asked for" in panel
    assert "exit 137" in panel
    assert 'data-copy="/data/work/ab/1"' in panel
    assert ">retried</span>" in panel.replace("\n", "")
    assert "Error executing process" in panel


def test_the_end_of_the_error_output_is_shown_and_judged(
    settings: Settings, tmp_path: Path
) -> None:
    place = tmp_path / "ab" / "1"
    place.mkdir(parents=True)
    said = "token=abcdef0123456789\nNo space left on device\n"
    (place / ".command.err").write_text(said)
    row = failed_workflow(str(place))
    client = staff("viewer")
    error = f"{LIST}{row.pk}/tasks/1/error/"
    assert error not in text_of(client, page_of(row))
    assert "not below a directory of" in text_of(client, error)
    readable(settings, tmp_path)
    assert f'hx-get="{error}" hx-trigger="load"' in text_of(client, page_of(row))
    text = text_of(client, error)
    assert "No space left on device" in text
    assert "disk" in text
    assert "abcdef0123456789" not in text


def test_the_error_output_of_a_task_that_did_not_fail_is_only_shown(
    settings: Settings, tmp_path: Path
) -> None:
    readable(settings, tmp_path)
    (tmp_path / ".command.err").write_text("all well\n")
    row = WorkflowFactory.create()
    task_of(row, 1, TaskStatus.COMPLETED, workdir=str(tmp_path))
    client = staff("viewer")
    error = f"{LIST}{row.pk}/tasks/1/error/"
    assert f'hx-get="{error}"' in text_of(client, f"{LIST}{row.pk}/tasks/1/")
    text = text_of(client, error)
    assert "all well" in text
    assert "failure-1" not in text


def test_an_error_output_that_is_gone_is_called_so(
    settings: Settings, tmp_path: Path
) -> None:
    readable(settings, tmp_path)
    row = failed_workflow(str(tmp_path / "gone"))
    text = text_of(staff("viewer"), f"{LIST}{row.pk}/tasks/1/error/")
    assert "is not there" in text


def test_more_failures_than_are_shown_are_counted_and_listed() -> None:
    row = WorkflowFactory.create(status=Status.FAILED)
    for number in range(1, 13):
        action = ("retry", "ignore", "terminate")[number % 3]
        task_of(row, number, TaskStatus.FAILED, exit=1, error_action=action)
    client = staff("viewer")
    panel = client.get(page_of(row)).context["panels"][0]
    assert (panel.count, panel.content["more"]) == (12, 2)
    assert len(shown(client.get(panel.content["more_link"]))) == 12


def test_a_run_that_failed_without_a_task_says_why() -> None:
    row = WorkflowFactory.create(
        status=Status.FAILED, ended_at=NOW, error_message="No such variable: x"
    )
    text = text_of(staff("viewer"), page_of(row))
    assert text.count("No such variable: x") >= 1
    assert 'id="panel-failures"' in text
