"""The list of launches."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from seqhub.operations.services.attention import open_attention
from tests.staff import staff
from tests.turret.factories import LaunchFactory, PipelineFactory, WorkflowFactory
from turret.choices import LaunchState
from turret.models import Launch

pytestmark = pytest.mark.django_db

LIST = "/admin/turret/launch/"
HOSTILE = "<script>alert(1)</script>"
HOUR = dt.timedelta(hours=1)


def names(answer: Any) -> list[str]:
    return [str(row) for row in answer.context["cl"].result_list]


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode()).replace("<wbr>", "")


def ended(state: LaunchState = LaunchState.FAILED, **values: Any) -> Launch:
    now = timezone.now()
    return LaunchFactory.create(state=state, finished_at=now, **values)


def test_the_list_opens_on_what_is_under_way_then_on_the_newest() -> None:
    now = timezone.now()
    old = LaunchFactory.create(submitted_at=now - 9 * HOUR)
    done = ended(LaunchState.SUCCEEDED, submitted_at=now - HOUR)
    failed = ended(submitted_at=now - 2 * HOUR)
    new = LaunchFactory.create(state="pending", submitted_at=now - 3 * HOUR)
    answer = staff("viewer").get(LIST)
    assert names(answer) == [str(row) for row in (new, old, done, failed)]


def test_a_line_says_what_people_look_for() -> None:
    row = ended(
        source="https://anna:s3cret@git.example.org/pipe.git",
        revision="1.4",
        labels=["clinical"],
        message="There is no program nextflow on PATH on this host.",
        workflow=WorkflowFactory.create(succeeded=3, failed=1),
    )
    said = text_of(staff("viewer"), LIST)
    for words in (
        str(row),
        "git.example.org/pipe.git 1.4",
        "clinical",
        "There is no program nextflow on PATH",
        "4 of 4",
        row.owner.get_username() if row.owner else "",
        "testhost",
        "local",
    ):
        assert words in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("view", "count"),
    [("", 4), ("under_way", 2), ("waiting", 1), ("failed", 1), ("attention", 2)],
)
def test_each_view_counts_what_it_shows(view: str, count: int) -> None:
    LaunchFactory.create()
    LaunchFactory.create(state="pending")
    failed, lost = ended(), ended(LaunchState.LOST)
    open_attention(failed.workflow.subject, "failed", "It failed.", next_step="Look.")
    open_attention(lost.subject, "launch_lost", "It is lost.", next_step="Look.")
    answer = staff("viewer").get(LIST, {"show": view} if view else {})
    assert len(names(answer)) == count
    chosen = next(one for one in answer.context["views"] if one.is_open)
    assert chosen.count == count


@pytest.mark.parametrize(
    "query", ["rnaseq", "bobby", "clinical", "jolly", "4711", "saved one"]
)
def test_search_finds_a_launch_by(query: str) -> None:
    row = LaunchFactory.create(
        source="nf-core/rnaseq",
        run_name="jolly_bell",
        labels=["clinical"],
        job_id="4711",
        pipeline=PipelineFactory.create(name="saved one"),
    )
    assert row.owner
    row.owner.username = "bobby"
    row.owner.save()
    LaunchFactory.create()
    answer = staff("viewer").get(LIST, {"q": query})
    assert names(answer) == ["jolly_bell"]


@pytest.mark.parametrize(
    ("lookup", "value"),
    [
        ("state__exact", lambda row: row.state),
        ("pipeline__id__exact", lambda row: row.pipeline_id),
        ("owner__id__exact", lambda row: row.owner_id),
        ("compute__id__exact", lambda row: row.compute_id),
        ("host", lambda row: row.host),
        ("parent_id", lambda row: row.parent_id),
    ],
)
def test_filters_narrow_the_list_down(lookup: str, value: Any) -> None:
    other = LaunchFactory.create(host="otherhost", compute__name="cluster")
    row = ended(pipeline=PipelineFactory.create(), source="nf-core/sarek", parent=other)
    answer = staff("viewer").get(LIST, {lookup: value(row)})
    assert names(answer) == [str(row)]


def test_the_cells_that_move_are_asked_for_while_something_runs() -> None:
    moving, done = LaunchFactory.create(), ended()
    client = staff("viewer")
    said = text_of(client, LIST)
    assert f"live/?ids={moving.pk}&amp;newest={done.pk}" in said
    Launch.objects.filter(pk=moving.pk).update(state="succeeded")
    newer = LaunchFactory.create()
    said = text_of(
        client, f"{LIST}live/", ids=f"{moving.pk},x,9{'0' * 30}", newest=str(done.pk)
    )
    assert f'id="launch-{moving.pk}-state"' in said
    assert "succeeded" in said
    assert "1 new launch:" in said
    assert str(newer) not in said


def test_an_empty_list_says_how_to_begin() -> None:
    assert "Launch a pipeline" in text_of(staff("operator"), LIST)
    said = text_of(staff("viewer"), LIST)
    assert "ask a manager for the role" in said
    assert "Launch a pipeline" not in said


def test_an_empty_list_is_shown_anew_with_the_first_launch() -> None:
    client = staff("viewer")
    LaunchFactory.create()
    answer = client.get(f"{LIST}live/", {"ids": "", "newest": "0"})
    assert answer["HX-Refresh"] == "true"


def test_what_people_typed_stays_text() -> None:
    ended(source=HOSTILE, message=HOSTILE, labels=[HOSTILE], revision=HOSTILE)
    assert HOSTILE not in text_of(staff("viewer"), LIST)


def test_many_are_cancelled_at_once_and_each_refusal_is_said() -> None:
    waiting, done = LaunchFactory.create(state="pending"), ended()
    client = staff("operator")
    answer = client.post(
        LIST,
        {
            "action": "cancel",
            "_selected_action": [waiting.pk, done.pk],
            "confirmed": "1",
            "reason": "the wrong sheet",
        },
        follow=True,
    )
    said = answer.content.decode()
    assert "1 launch: to be cancelled." in said
    assert f"{done} is failed; there is nothing to cancel." in said
    waiting.refresh_from_db()
    assert waiting.state == LaunchState.CANCELLED


def test_viewers_cancel_nothing() -> None:
    row = LaunchFactory.create(state="pending")
    answer = staff("viewer").post(
        LIST,
        {"action": "cancel", "_selected_action": [row.pk], "confirmed": "1"},
    )
    assert answer.status_code in (302, 403, 200)
    row.refresh_from_db()
    assert row.state == LaunchState.PENDING


def test_nobody_sees_launches_without_permission() -> None:
    client = staff("viewer")
    row = LaunchFactory.create()
    client.logout()
    for page in ("", "live/", f"{row.pk}/change/", f"{row.pk}/live/", f"{row.pk}/log/"):
        answer = client.get(LIST + page)
        assert answer.status_code == 302
        assert "/login/" in answer["Location"]


def test_the_list_takes_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = staff("operator")
    for _ in range(3):
        ended(parent=LaunchFactory.create(), pipeline=PipelineFactory.create())
    with django_assert_max_num_queries(20) as few:
        client.get(LIST)
    for _ in range(12):
        ended(parent=LaunchFactory.create(), pipeline=PipelineFactory.create())
    with django_assert_max_num_queries(20) as many:
        client.get(LIST)
    assert len(many) == len(few)
