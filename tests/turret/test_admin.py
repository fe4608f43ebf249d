"""The list of workflows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone
from pydantic import AnyHttpUrl
from pytest_django import DjangoAssertNumQueries, Settings

from seqhub.console.search import search
from seqhub.operations.services.attention import open_attention
from tests.clients import make_user
from tests.factories import RunfolderFactory
from tests.staff import staff
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from tests.turret.pages import LIST, text_of
from turret.choices import Status
from turret.models import Workflow

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
HOUR = dt.timedelta(hours=1)


def names(answer: Any) -> list[str]:
    return [str(row) for row in answer.context["cl"].result_list]


def test_the_list_opens_on_what_is_under_way_then_on_the_newest() -> None:
    now = timezone.now()
    old = WorkflowFactory.create(created_at=now - 9 * HOUR)
    done = WorkflowFactory.create(ended=True, created_at=now - HOUR)
    failed = WorkflowFactory.create(status=Status.FAILED, created_at=now - 2 * HOUR)
    new = WorkflowFactory.create(status=Status.SUBMITTED, created_at=now - 3 * HOUR)
    answer = staff("viewer").get(LIST)
    assert names(answer) == [str(row) for row in (new, old, done, failed)]


def test_a_line_says_what_people_look_for() -> None:
    run = RunfolderFactory.create(name="230825_M04034_0043_L6NVV")
    owner = make_user()
    row = WorkflowFactory.create(
        ended=True,
        owner=owner,
        runfolder=run,
        labels=["clinical"],
        succeeded=1200,
        cached=3,
        failed=4,
        retries=2,
        ignored=1,
    )
    text = text_of(staff("viewer"), LIST)
    for words in (
        "nf-core/demo 1.0.2",
        "1,205 of 1,205",
        '?tab=tasks&amp;state=failed">1</a>',
        '?tab=tasks&amp;state=retried">2 retried</a>',
        '?tab=tasks&amp;state=ignored">1 ignored</a>',
        f">{owner.username}</a>",
        "1 min 5 s",
        "clinical",
        f"/admin/runfolders/runfolder/{run.pk}/change/",
        f"{LIST}{row.pk}/change/",
    ):
        assert words in text, words


def test_a_count_leads_nowhere_when_the_tasks_were_removed_by_age() -> None:
    now = timezone.now()
    WorkflowFactory.create(ended=True, failed=2, retries=1, tasks_pruned_at=now)
    text = text_of(staff("viewer"), LIST)
    assert '<span class="failed">1</span>' in text
    assert "state=failed" not in text


def test_each_view_counts_what_it_shows() -> None:
    client = staff("viewer")
    for status in Status:
        WorkflowFactory.create(status=status)
    WorkflowFactory.create(stalled_at=timezone.now())
    row = WorkflowFactory.create(ended=True)
    open_attention(row.subject, "workflow_failed", "Look.")
    views = client.get(LIST).context["views"]
    assert {view.label for view in views} >= {"All", "Under way", "Unknown", "Silent"}
    for view in views:
        answer = client.get(f"{LIST}{view.query}")
        assert answer.context["cl"].result_count == view.count


@pytest.mark.parametrize(
    "query",
    ["curie", "status:failed", "user:ann", "label:clinical", "nf-core status:failed"],
)
def test_search_takes_words_and_keywords(query: str) -> None:
    wanted = WorkflowFactory.create(
        run_name="sad_curie",
        status=Status.FAILED,
        user_name="ann",
        labels=["clinical"],
    )
    WorkflowFactory.create(run_name="other", project_name="hello")
    assert names(staff("viewer").get(LIST, {"q": query})) == [str(wanted)]


def test_a_search_that_makes_no_sense_says_why() -> None:
    WorkflowFactory.create()
    answer = staff("viewer").get(LIST, {"q": "status:nonsense"})
    assert names(answer) == []
    assert "status:nonsense is unknown" in answer.content.decode()


@pytest.mark.parametrize(
    "lookup", ["session_id", "batch_id", "runfolder_id", "owner__id__exact"]
)
def test_links_of_other_pages_narrow_the_list_down(lookup: str) -> None:
    run = RunfolderFactory.create()
    wanted = WorkflowFactory.create(runfolder=run, batch_id="b", session_id="s")
    WorkflowFactory.create()
    values: dict[str, Any] = {
        "session_id": "s",
        "batch_id": "b",
        "runfolder_id": run.pk,
        "owner__id__exact": wanted.owner_id,
    }
    answer = staff("viewer").get(LIST, {lookup: values[lookup]})
    assert names(answer) == [str(wanted)]


@pytest.mark.parametrize("text", ["curie", "4Bi5xBK6E2x", "rnaseq", "clinical"])
def test_the_palette_finds_workflows(rf: RequestFactory, text: str) -> None:
    wanted = WorkflowFactory.create(
        run_name="sad_curie",
        workflow_id="4Bi5xBK6E2x",
        project_name="nf-core/rnaseq",
        labels=["clinical"],
    )
    WorkflowFactory.create(run_name="other")
    request = rf.get("/")
    request.user = make_user("turret.view_workflow")
    assert [found.title for found in search(request, text)] == [str(wanted)]
    request.user = make_user()
    assert search(request, text) == []


def test_an_empty_list_says_all_that_nextflow_needs() -> None:
    text = text_of(staff("viewer"), LIST)
    assert "nextflow run &lt;pipeline&gt; -with-tower http://testserver<" in text
    assert "export TOWER_ACCESS_TOKEN=&lt;token&gt;" in text
    assert "scope <b>trace</b>" in text
    assert "seqhub token create NAME --scope trace --user viewer" in text
    assert "Make a token" not in text
    assert "every 3s" in text


def test_a_manager_makes_the_token_from_there() -> None:
    text = text_of(staff("manager"), LIST)
    assert 'href="/admin/operations/apitoken/add/"' in text


def test_the_address_is_the_one_that_the_configuration_tells_people(
    settings: Settings,
) -> None:
    url = AnyHttpUrl("https://seqhub.example.org")
    server = settings.CONFIG.server.model_copy(update={"public_url": url})
    settings.CONFIG = settings.CONFIG.model_copy(update={"server": server})
    text = text_of(staff("viewer"), LIST)
    assert 'data-copy="nextflow run &lt;pipeline&gt; -with-tower https://seqhub' in text
    assert "this computer only" not in text


def test_an_address_that_others_do_not_reach_is_called_so() -> None:
    answer = staff("viewer").get(LIST, headers={"host": "127.0.0.1:8000"})
    assert "this computer only" in answer.content.decode()


def live(client: Client, *rows: Workflow, newest: str = "") -> Any:
    ids = ",".join(str(row.pk) for row in rows)
    answer = client.get(f"{LIST}live/", {"ids": ids, "newest": newest})
    assert answer.status_code == 200
    return answer


def test_the_cells_that_move_are_asked_for_while_something_runs() -> None:
    client = staff("viewer")
    row = WorkflowFactory.create(succeeded=61, pending=39)
    page = text_of(client, LIST)
    assert f"live/?ids={row.pk}&amp;newest={row.pk}" in page
    assert "every 3s" in page
    text = live(client, row).content.decode()
    assert f'id="workflow-{row.pk}-progress" hx-swap-oob="true"' in text
    assert "61 of 100" in text
    Workflow.objects.update(status=Status.FAILED)
    text = live(client, row).content.decode()
    assert "failed" in text
    assert "every 15s" in text


def test_an_idle_list_says_that_there_are_new_workflows() -> None:
    client = staff("viewer")
    row = WorkflowFactory.create(ended=True)
    assert "new workflow" not in live(client, newest=str(row.pk)).content.decode()
    WorkflowFactory.create()
    text = live(client, newest=str(row.pk)).content.decode()
    assert "1 new workflow: show it" in text


def test_an_empty_list_is_shown_anew_with_the_first_workflow() -> None:
    client = staff("viewer")
    assert "HX-Refresh" not in live(client, newest="0").headers
    WorkflowFactory.create()
    assert live(client, newest="0").headers["HX-Refresh"] == "true"


def test_what_is_not_an_id_is_passed_over() -> None:
    answer = staff("viewer").get(f"{LIST}live/", {"ids": "x,,-1,99999", "newest": "x"})
    assert answer.status_code == 200


def test_workflows_are_exported_as_csv() -> None:
    row = WorkflowFactory.create(ended=True, run_name="=1+1")
    data = {"action": "export_csv", "index": "0", "_selected_action": [str(row.pk)]}
    answer = staff("viewer").post(LIST, data)
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("workflow_id,run_name,status")
    assert lines[1].startswith(f"{row.workflow_id},'=1+1,succeeded")


@pytest.mark.parametrize(
    "page",
    [
        LIST,
        f"{LIST}live/",
        f"{LIST}1/change/",
        f"{LIST}1/live/",
        f"{LIST}1/tasks/1/",
        f"{LIST}1/tasks/1/error/",
        f"{LIST}by-id/4Bi5xBK6E2",
    ],
)
def test_nobody_sees_workflows_without_permission(page: str) -> None:
    assert Client().get(page).status_code == 302
    user = User.objects.create_user("new", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(page).status_code == 403


def test_what_nextflow_says_stays_text() -> None:
    row = WorkflowFactory.create(
        status=Status.FAILED,
        run_name=HOSTILE,
        project_name=HOSTILE,
        labels=[HOSTILE],
        error_message=HOSTILE,
        error_report=HOSTILE,
        params={HOSTILE: HOSTILE},
        config_text=HOSTILE,
        command_line=HOSTILE,
        process_names=[HOSTILE],
        metrics=[{"process": HOSTILE}],
        launch_dir=HOSTILE,
    )
    ProcessFactory.create(workflow=row, name=HOSTILE)
    TaskFactory.create(
        workflow=row,
        task_id=1,
        status="failed",
        exit=1,
        process=HOSTILE,
        name=HOSTILE,
        script=HOSTILE,
        env=HOSTILE,
        extra={HOSTILE: HOSTILE},
    )
    client = staff("manager")
    page = f"{LIST}{row.pk}/change/"
    pages = [LIST, f"{LIST}{row.pk}/tasks/1/", f"{LIST}{row.pk}/live/"]
    pages += [
        f"{page}?tab={tab}" for tab in ("overview", "tasks", "resources", "inputs")
    ]
    for address in pages:
        assert HOSTILE not in text_of(client, address), address


@pytest.mark.parametrize("count", [2, 40])
def test_the_list_takes_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    client = staff("viewer")
    for _ in range(count):
        WorkflowFactory.create(runfolder=RunfolderFactory.create())
    with django_assert_max_num_queries(16):
        assert client.get(LIST).status_code == 200
    with django_assert_max_num_queries(6):
        live(client, *Workflow.objects.all())
