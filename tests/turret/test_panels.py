from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import pytest
from django.http import QueryDict
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from runfolders.models import Runfolder
from seqhub.lib.panels import Count, Panel
from tests.factories import RunfolderFactory
from tests.staff import staff
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from turret.choices import UNDER_WAY, Status
from turret.models import Workflow
from turret.panels.dashboard import SHOWN, today, under_way_panel
from turret.panels.links import workflow_link
from turret.panels.run_page import FAILURES_SHOWN, tabs, tracks

pytestmark = pytest.mark.django_db

# Every status, with what is needed to show it.
EVERY: tuple[dict[str, object], ...] = (
    {"status": Status.SUBMITTED, "begun_at": None, "progress_instant": None},
    {"pending": 3, "succeeded": 9},
    {"stalled_at": timezone.now(), "pending": 3},
    {"ended": True, "succeeded": 9},
    {"ended": True, "status": Status.FAILED, "failed": 1},
    {"ended": True, "status": Status.CANCELLED, "aborted": 2},
    {"status": Status.UNKNOWN},
)


def fill(count: int, **fields: object) -> list[Workflow]:
    rows = []
    for number in range(count):
        row = WorkflowFactory.create(**{**fields, **EVERY[number % len(EVERY)]})
        ProcessFactory.create_batch(2, workflow=row, pending=1)
        TaskFactory.create_batch(4, workflow=row, status="failed", exit=137)
        rows.append(row)
    return rows


def page_of(run: Runfolder, tab: str = "workflows") -> str:
    return f"/admin/runfolders/runfolder/{run.pk}/change/?tab={tab}"


def numbers(counts: Iterable[Count]) -> dict[str, int]:
    return {count.words: count.number for count in counts}


def panel_of(run: Runfolder) -> Panel:
    return tabs(run)[0].panels(QueryDict())[0]


def test_the_dashboard_tells_of_what_runs() -> None:
    WorkflowFactory.create(run_name="mad_curie", pending=12, succeeded=84)
    WorkflowFactory.create(ended=True, run_name="calm_bell")
    page = staff("viewer").get("/admin/").content.decode()
    assert "mad_curie" in page
    assert "12 of 96 tasks left" in page
    assert "calm_bell" not in page


def test_the_dashboard_says_how_the_first_workflow_comes_here() -> None:
    page = staff("viewer").get("/admin/").content.decode()
    assert "How Nextflow reports here" in page
    assert "workflows succeeded" not in page


@pytest.mark.parametrize("count", [7, 70])
def test_the_panel_takes_two_queries(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = fill(count)
    with django_assert_num_queries(2):
        panel = under_way_panel()
    moving = [row for row in rows if row.status in UNDER_WAY]
    assert panel.count == len(moving)
    assert panel.is_live
    assert len(panel.content["lines"]) == min(len(moving), SHOWN)
    assert panel.content["more"] == max(len(moving) - SHOWN, 0)


def test_today_counts_what_ended_since_midnight() -> None:
    yesterday = timezone.now() - dt.timedelta(days=1)
    fill(14)
    WorkflowFactory.create(ended=True, status_since=yesterday)
    assert numbers(today()) == {"workflows succeeded": 2, "workflows failed": 2}


def test_counts_lead_to_what_they_count() -> None:
    fill(14)
    client = staff("viewer")
    panel = under_way_panel()
    assert client.get(panel.link).context["cl"].result_count == panel.count
    for count in today():
        assert client.get(count.link).context["cl"].result_count == count.number


@pytest.mark.parametrize(
    ("statuses", "word", "note"),
    [
        ([Status.SUCCEEDED], "succeeded", "1/1"),
        ([Status.SUCCEEDED, Status.FAILED], "failed", "1/2"),
        ([Status.FAILED, Status.RUNNING, Status.UNKNOWN], "running", "0/3"),
        ([Status.CANCELLED, Status.UNKNOWN], "unknown", "0/2"),
    ],
)
def test_the_track_tells_of_the_analysis(
    statuses: list[Status], word: str, note: str
) -> None:
    run = RunfolderFactory.create()
    for status in statuses:
        WorkflowFactory.create(runfolder=run, status=status)
    WorkflowFactory.create(status=Status.FAILED)
    (track,) = tracks(run)
    assert (track.title, track.chip.word, track.note) == ("Analysis", word, note)


def test_of_a_session_the_last_workflow_counts() -> None:
    run = RunfolderFactory.create()
    earlier = timezone.now() - dt.timedelta(hours=1)
    failed = WorkflowFactory.create(
        runfolder=run, session_id="s", status=Status.FAILED, created_at=earlier
    )
    TaskFactory.create(workflow=failed, status="failed", exit=1)
    WorkflowFactory.create(runfolder=run, session_id="s", ended=True)
    (track,) = tracks(run)
    assert (track.chip.word, track.note) == ("succeeded", "1/1")
    resumed = panel_of(run).content["analyses"][1]
    assert resumed.is_resumed
    assert not resumed.failures


def test_the_tab_leads_to_the_list_of_its_workflows() -> None:
    run = RunfolderFactory.create()
    fill(3, runfolder=run)
    fill(1)
    panel = panel_of(run)
    assert panel.count == tabs(run)[0].count == 3
    assert staff("viewer").get(panel.link).context["cl"].result_count == 3


def test_a_run_without_a_workflow_has_no_track_and_is_told_so() -> None:
    run = RunfolderFactory.create()
    assert tracks(run) == []
    page = staff("viewer").get(page_of(run)).content.decode()
    assert "No workflow analyses this run yet." in page


def test_the_tab_shows_what_ended_a_workflow() -> None:
    run = RunfolderFactory.create()
    failed = WorkflowFactory.create(runfolder=run, ended=True, status=Status.FAILED)
    for task_id in range(1, FAILURES_SHOWN + 2):
        TaskFactory.create(
            workflow=failed,
            task_id=task_id,
            status="failed",
            exit=137,
            error_action="retry" if task_id == 1 else "terminate",
        )
    (analysis,) = panel_of(run).content["analyses"]
    assert [failure.task.task_id for failure in analysis.failures] == [2, 3, 4]
    page = staff("viewer").get(page_of(run)).content.decode()
    assert "exit 137" in page
    assert "more memory than it had asked for" in page
    assert f'href="{workflow_link(failed, "reports")}"' in page


@pytest.mark.parametrize("tab", ["overview", "workflows"])
@pytest.mark.parametrize("count", [7, 70])
def test_the_page_of_a_run_takes_a_constant_number_of_queries(
    count: int, tab: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = staff("operator")
    run = RunfolderFactory.create()
    fill(count, runfolder=run)
    with django_assert_max_num_queries(20):
        assert client.get(page_of(run, tab)).status_code == 200
