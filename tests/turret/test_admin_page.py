"""The page of a workflow, and its tasks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from seqhub.lib.turns import MOST_AT_ONCE, Turn
from tests.staff import staff
from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from tests.turret.pages import LIST, page_of, shown, task_of, text_of
from turret.choices import Status, TaskStatus
from turret.models import Workflow, WorkflowTask

pytestmark = pytest.mark.django_db

TABS = ("overview", "tasks", "resources", "inputs", "details", "timeline")
NOW = timezone.now()


def of_every_state(row: Workflow) -> None:
    for number, status in enumerate(TaskStatus, 1):
        task_of(row, number, status)
    task_of(row, 101, TaskStatus.FAILED, error_action="retry")
    task_of(row, 102, TaskStatus.FAILED, error_action="ignore")
    task_of(row, 103, TaskStatus.FAILED, error_action="terminate")


@pytest.mark.parametrize("status", [Status.RUNNING, Status.FAILED])
def test_each_tile_leads_to_the_tasks_that_it_counts(status: Status) -> None:
    client = staff("viewer")
    row = WorkflowFactory.create(status=status)
    of_every_state(row)
    tiles = client.get(page_of(row)).context["tiles"]
    assert sum(tile.number for tile in tiles) == row.tasks.count()
    for tile in tiles:
        answer = client.get(tile.link)
        assert len(shown(answer)) == tile.number, tile.key


def test_tasks_without_an_end_are_called_so_once_the_run_is_over() -> None:
    row = WorkflowFactory.create(ended=True)
    task_of(row, 1, TaskStatus.RUNNING)
    tiles = {t.key: t for t in staff("viewer").get(page_of(row)).context["tiles"]}
    assert "running" not in tiles
    assert tiles["unfinished"].number == 1


def test_tasks_whose_records_were_lost_are_counted_once_the_run_is_over() -> None:
    """What the lists count, the page accounts for."""
    counts = {"succeeded": 4, "failed": 3, "retries": 1, "ignored": 1}
    row = WorkflowFactory.create(ended=True, status=Status.FAILED, **counts)
    task_of(row, 1, TaskStatus.COMPLETED)
    task_of(row, 2, TaskStatus.FAILED, error_action="retry")
    task_of(row, 3, TaskStatus.RUNNING)
    tiles = {t.key: t for t in staff("viewer").get(page_of(row)).context["tiles"]}
    assert (tiles["unfinished"].number, tiles["untold"].number) == (1, 4)
    assert sum(tile.number for tile in tiles.values()) == 4 + 3
    assert tiles["untold"].link == ""


def test_numbers_stay_when_tasks_were_removed_by_age() -> None:
    row = WorkflowFactory.create(
        ended=True, succeeded=5, failed=2, retries=1, tasks_pruned_at=NOW
    )
    client = staff("viewer")
    tiles = {tile.key: tile for tile in client.get(page_of(row)).context["tiles"]}
    assert (tiles["succeeded"].number, tiles["failed"].number) == (5, 1)
    assert tiles["succeeded"].link == ""
    assert "removed by age" in text_of(client, page_of(row), tab="tasks")


def test_processes_stand_in_the_order_of_the_pipeline() -> None:
    row = WorkflowFactory.create(process_names=["A:FIRST", "A:SECOND", "A:LAST"])
    for index, name in enumerate(("A:LAST", "A:SECOND", "A:LATE", "A:FIRST")):
        ProcessFactory.create(workflow=row, name=name, index=index, succeeded=index)
    panel = staff("viewer").get(page_of(row)).context["panels"][0]
    names = [line.short for line in panel.content["lines"]]
    assert names == ["FIRST", "SECOND", "LAST", "LATE"]


def test_the_bar_of_a_process_counts_a_retried_task_once() -> None:
    row = WorkflowFactory.create()
    ProcessFactory.create(
        workflow=row, name="A", succeeded=3, failed=2, retries=2, running=1
    )
    [line] = staff("viewer").get(page_of(row)).context["panels"][0].content["lines"]
    assert (line.done, line.total) == (3, 4)


def test_a_page_is_live_until_the_run_has_ended() -> None:
    client = staff("viewer")
    row = WorkflowFactory.create()
    task_of(row, 1, TaskStatus.RUNNING)
    ProcessFactory.create(workflow=row, name="DEMO:ALIGN", running=1)
    live = f"{LIST}{row.pk}/live/"
    assert f'hx-get="{live}?"' in text_of(client, page_of(row))
    text = text_of(client, live)
    assert "every 3s" in text
    assert 'id="process-rows" hx-swap-oob="true"' in text
    assert 'id="task-rows" hx-swap-oob="true"' in text_of(client, live, tab="tasks")
    Workflow.objects.update(status=Status.SUCCEEDED)
    assert "every" not in text_of(client, live)


def test_the_sheet_holds_what_the_tab_shows(rf: RequestFactory) -> None:
    client = staff("viewer")
    row = WorkflowFactory.create()
    of_every_state(row)
    for query in ({}, {"state": "retried"}, {"q": "sample101 sample", "sort": "-id"}):
        answer = client.get(page_of(row), {"tab": "tasks", **query})
        link = answer.context["panels"][0].content["csv_link"]
        sheet: Any = client.get(link)
        lines = b"".join(sheet.streaming_content).decode().splitlines()
        assert [int(line.partition(",")[0]) for line in lines[1:]] == shown(answer)
    taken = [Turn(rf.get("/")) for _ in range(MOST_AT_ONCE)]
    answer = client.get(link, follow=True)
    assert b"try again" in answer.content
    for turn in taken:
        turn.close()


def test_details_tell_what_has_no_other_place() -> None:
    row = WorkflowFactory.create(
        dag={
            "vertices": [
                {"id": "1", "type": "PROCESS", "label": "DEMO:QC"},
                {"id": "2", "type": "PROCESS", "label": "DEMO:REPORT"},
            ],
            "edges": [{"source": "1", "target": "2"}],
        },
        containers=[{"sourceImage": "ubuntu:22.04", "targetImage": "wave.example/x"}],
        extra={"metadata": {"cloud": "none", "api_key": "verysecret"}},
    )
    task_of(row, 1, TaskStatus.COMPLETED, container="wave.example/x")
    task_of(row, 2, TaskStatus.COMPLETED, container="quay.io/y")
    answer = staff("viewer").get(page_of(row), {"tab": "details"})
    images, graph, rest = (panel.content for panel in answer.context["panels"])
    told = [(line["image"], line["source"], line["tasks"]) for line in images["lines"]]
    assert told == [("quay.io/y", "", 1), ("wave.example/x", "ubuntu:22.04", 1)]
    assert [line["short"] for line in graph["lines"]] == ["QC", "REPORT"]
    assert graph["lines"][1]["before"] == [("QC", "DEMO:QC")]
    assert ("metadata.cloud", "none") in rest["rows"]
    assert b"verysecret" not in answer.content


def test_a_cached_task_leads_to_the_one_that_computed_it() -> None:
    client = staff("viewer")
    first, second, third = (
        WorkflowFactory.create(
            session_id="s-1", created_at=NOW - dt.timedelta(hours=hours)
        )
        for hours in (3, 2, 1)
    )
    stranger = WorkflowFactory.create(created_at=NOW - dt.timedelta(hours=4))
    task_of(stranger, 7, TaskStatus.COMPLETED, hash="ab/cdef01")
    computed = task_of(first, 7, TaskStatus.COMPLETED, hash="ab/cdef01")
    task_of(second, 3, TaskStatus.CACHED, hash="ab/cdef01")
    task_of(third, 5, TaskStatus.CACHED, hash="ab/cdef01")
    task_of(third, 6, TaskStatus.CACHED, hash="00/000000")
    found = client.get(f"{LIST}{third.pk}/tasks/5/")
    assert found.context["origin"]["task"] == computed
    assert f'href="{LIST}{first.pk}/tasks/7/"' in found.content.decode()
    assert client.get(f"{LIST}{third.pk}/tasks/6/").context["origin"] is None
    assert client.get(f"{LIST}{first.pk}/tasks/7/").context["origin"] is None


def test_a_name_that_turns_letters_around_turns_itself_only() -> None:
    row = WorkflowFactory.create(project_name="\u202eabc", profile="docker")
    text = text_of(staff("viewer"), page_of(row))
    assert "<bdi>\u202eabc 1.0.2</bdi> · <bdi>profile docker</bdi>" in text


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 2**63 - 1])
def test_a_task_of_any_number_has_its_page(number: int) -> None:
    client = staff("viewer")
    row = WorkflowFactory.create(status=Status.FAILED)
    task_of(row, number, TaskStatus.FAILED, name="odd one")
    for tab in ("overview", "tasks"):
        assert "odd one" in text_of(client, page_of(row), tab=tab)
    assert "odd one" in text_of(client, f"{LIST}{row.pk}/tasks/{number}/")
    assert client.get(f"{LIST}{row.pk}/tasks/{number}/error/").status_code == 200


@pytest.mark.parametrize("key", ["session_id", "q", "status__exact", "project_name"])
def test_what_no_database_holds_is_not_looked_for(key: str) -> None:
    answer = staff("viewer").get(LIST, {key: "a\0b"})
    assert (answer.status_code, answer.headers["Location"]) == (302, LIST)


def test_an_id_of_nextflow_leads_to_the_page() -> None:
    client = staff("viewer")
    row = WorkflowFactory.create()
    for address in (f"by-id/{row.workflow_id}", f"by-id/{row.workflow_id}/"):
        assert client.get(f"{LIST}{address}")["Location"] == page_of(row)
    assert client.get(f"{LIST}by-id/nothing").status_code == 404
    assert client.get(f"{LIST}999999/change/").status_code == 404


def test_resumed_runs_are_one_story() -> None:
    first = WorkflowFactory.create(
        ended=True, session_id="s", created_at=NOW - dt.timedelta(hours=2)
    )
    row = WorkflowFactory.create(session_id="s", resume=True)
    WorkflowFactory.create(session_id="other")
    panels = staff("viewer").get(page_of(row)).context["panels"]
    [chain] = [panel for panel in panels if panel.key == "chain"]
    assert [line["workflow"] for line in chain.content["lines"]] == [first, row]


def many_tasks(row: Workflow, count: int) -> None:
    WorkflowTask.objects.bulk_create(
        TaskFactory.build(
            workflow=row,
            task_id=number,
            process=f"P{number % 7}",
            realtime_ms=1000 * number if number % 2 else None,
        )
        for number in range(1, count + 1)
    )


def test_tasks_are_searched_narrowed_down_and_sorted() -> None:
    row = WorkflowFactory.create()
    many_tasks(row, 20)
    task_of(row, 21, TaskStatus.FAILED, process="P1", tag="lost", hash="ff/0123")
    client = staff("viewer")

    def found(**query: str) -> list[int]:
        return shown(client.get(page_of(row), {"tab": "tasks", **query}))

    assert found(q="lost") == [21]
    assert found(q="ff/0123") == [21]
    assert found(q="P1 lost") == [21]
    assert found(process="P1") == [1, 8, 15, 21]
    assert found(process="P1", state="failed") == [21]
    assert found(sort="-time")[:2] == [21, 19]
    assert found(sort="time")[0] == 1
    assert found(sort="nonsense") == list(range(1, 22))
    assert found(q="nothing") == found(q="lost\0x") == found(process="\0x") == []


def test_tasks_are_shown_by_page() -> None:
    row = WorkflowFactory.create()
    many_tasks(row, 60)
    client = staff("viewer")
    answer = client.get(page_of(row), {"tab": "tasks", "page": "2", "sort": "id"})
    assert shown(answer) == list(range(51, 61))
    assert "?tab=tasks&amp;page=1&amp;sort=id" in answer.content.decode()


def test_a_task_tells_what_it_asked_for_and_used() -> None:
    row = WorkflowFactory.create()
    task_of(
        row,
        1,
        TaskStatus.FAILED,
        exit=1,
        name="ALIGN (s1)",
        script="align s1",
        env="API_TOKEN=verysecret\nLC_ALL=C",
        extra={"machineType": "m5.large"},
    )
    task_of(row, 2, TaskStatus.COMPLETED, name="ALIGN (s1)", attempt=2)
    address = f"{LIST}{row.pk}/tasks/1/"
    text = text_of(staff("operator"), address)
    for words in (
        "align s1",
        "LC_ALL=C",
        "exit code 1",
        "4.0 GiB",
        "1.0 GiB",
        "25 %",
        "Machine type",
        "m5.large",
        f"{LIST}{row.pk}/tasks/2/",
    ):
        assert words in text, words
    assert "verysecret" not in text
    text = text_of(staff("viewer"), address)
    assert "LC_ALL" not in text
    assert "operators see it" in text


def test_a_drawer_is_a_fragment_and_a_page_without_javascript() -> None:
    client = staff("viewer")
    row = WorkflowFactory.create()
    task_of(row, 1, TaskStatus.COMPLETED)
    address = f"{LIST}{row.pk}/tasks/1/"
    assert "<html" in text_of(client, address)
    answer = client.get(address, headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert client.get(f"{LIST}{row.pk}/tasks/2/").status_code == 404


def test_parameters_are_for_those_who_may_see_them_and_masked() -> None:
    row = WorkflowFactory.create(
        params={
            "genome": "GRCh38",
            "db": {"password": "verysecret1"},
            "n": {"bytes": 1024},
        },
        config_text="aws.secretKey = 'verysecret2'\nprocess.cpus = 4",
        command_line="nextflow run x --api_token verysecret3",
        manifest={"name": "nf-core/demo", "version": "1.0.2"},
    )
    text = text_of(staff("operator"), page_of(row), tab="inputs")
    for words in ("GRCh38", "db.password", "1.0 KiB", "process.cpus = 4", "25.04.4"):
        assert words in text, words
    assert "verysecret" not in text
    text = text_of(staff("viewer"), page_of(row), tab="inputs")
    for words in ("GRCh38", "process.cpus", "nextflow run x"):
        assert words not in text, words
    assert "25.04.4" in text


def test_resources_are_compared_with_what_was_asked_for() -> None:
    row = WorkflowFactory.create(
        ended=True,
        metrics=[
            {
                "process": "DEMO:ALIGN",
                "cpu": {"mean": 180, "max": 190},
                "cpuUsage": {"max": 99},
                "mem": {"mean": 2**30, "max": 2**31, "maxLabel": "ALIGN (s9)"},
                "memUsage": {"mean": 50, "max": 97.5},
                "time": None,
            },
            "nonsense",
            {"process": None, "cpu": "x"},
        ],
    )
    text = text_of(staff("viewer"), page_of(row), tab="resources")
    for words in ("1.8 cores", "1.0 GiB", "97.5 %", "ALIGN (s9)", "sample may fail"):
        assert words in text, words
    assert text.count("bar-danger") == 1  # busy processors are no danger
    assert 'tab=tasks&amp;process=DEMO%3AALIGN" title="DEMO:ALIGN">ALIGN<' in text


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("count", [2, 120])
def test_a_page_takes_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries, tab: str, count: int
) -> None:
    client = staff("operator")
    row = WorkflowFactory.create(status=Status.FAILED, session_id="s")
    many_tasks(row, count)
    row.tasks.update(status=TaskStatus.FAILED)
    for number in range(count // 2):
        ProcessFactory.create(workflow=row, name=f"P{number}")
        WorkflowFactory.create(session_id="s")
    with django_assert_max_num_queries(20):
        assert client.get(page_of(row), {"tab": tab}).status_code == 200
    with django_assert_max_num_queries(14):
        assert client.get(f"{LIST}{row.pk}/live/", {"tab": tab}).status_code == 200
