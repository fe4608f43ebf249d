"""The beginning of a trace: checks 1, 2, 5, 7 to 10, 25, 48 of the protocol."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import resolve
from pytest_django import Settings

from seqhub.operations.models import Event
from tests.clients import make_user, token_of
from tests.turret.api.trace.wire import INSTANT, Wire, basic, beginning, creation
from turret.choices import Status
from turret.models import Workflow


def test_a_create_makes_a_workflow_and_says_where_to_watch_it(
    wire: Wire, ann: User
) -> None:
    answer = wire.create()
    assert answer.status == 200
    made = answer.body["workflowId"]
    assert re.fullmatch(r"[A-Za-z0-9]{1,16}", made)
    watch = f"http://any.example.org/admin/turret/workflow/by-id/{made}"
    assert answer.body["watchUrl"] == watch
    assert answer.body["message"] is None
    assert answer.body["metadata"]["userName"] == ann.username
    row = Workflow.objects.get()
    assert (row.workflow_id, row.owner, row.status) == (made, ann, Status.SUBMITTED)
    assert (row.run_name, row.client) == ("mad_curie", "Nextflow/25.04.4")
    assert row.address == "192.0.2.7"


def test_the_page_to_watch_it_is_one_of_the_console(wire: Wire) -> None:
    path = urlsplit(wire.create().body["watchUrl"]).path
    assert resolve(path).view_name == "admin:turret_workflow_by_id"


def test_the_same_token_is_taken_as_bearer(token: str) -> None:
    assert Wire(f"Bearer {token}").create().status == 200


def test_users_are_sent_to_the_public_address(wire: Wire, settings: Settings) -> None:
    server = settings.CONFIG.server.model_copy(
        update={"public_url": "https://seqhub.example.org/"}
    )
    settings.CONFIG = settings.CONFIG.model_copy(update={"server": server})
    answer = wire.create()
    made = answer.body["workflowId"]
    watch = f"https://seqhub.example.org/admin/turret/workflow/by-id/{made}"
    assert answer.body["watchUrl"] == watch
    assert wire.call(made, "begin", beginning()).body["watchUrl"] == watch


@pytest.mark.parametrize(
    "body", [b'{"x":', b"", b"   ", b"[]", b'"text"', b"7", b"\xff\xfe", b"not json"]
)
def test_a_body_that_is_no_object_is_refused_at_once(wire: Wire, body: bytes) -> None:
    assert wire.send("POST", "/trace/create", body).status == 400
    assert not Workflow.objects.exists()


@pytest.mark.parametrize("body", [{}, {"sessionId": "s", "runName": "n"}])
def test_what_is_missing_is_made_up(wire: Wire, body: dict[str, Any]) -> None:
    answer = wire.send("POST", "/trace/create", body)
    assert answer.status == 200
    assert answer.body["workflowId"]


def test_a_create_that_is_sent_again_makes_nothing_new(wire: Wire) -> None:
    assert wire.created() == wire.created()
    assert Workflow.objects.count() == 1
    assert Event.objects.filter(kind="created").count() == 1


def test_another_instant_is_another_run(wire: Wire) -> None:
    assert wire.created() != wire.created(instant=INSTANT + 1)


def test_another_owner_is_another_run(wire: Wire) -> None:
    other = Wire(basic(token_of(make_user(), ["trace"])))
    assert wire.created() != other.created()


def test_equal_run_names_of_two_sessions_are_two_runs(wire: Wire) -> None:
    first, second = wire.created(), wire.created(sessionId="other")
    assert first != second
    for made in (first, second):
        assert wire.call(made, "heartbeat", {}).status == 200
    assert Workflow.objects.filter(run_name="mad_curie").count() == 2


def test_an_id_that_was_brought_along_is_adopted(wire: Wire) -> None:
    assert wire.created(workflowId="4Bi5xBK6E2Nbhj") == "4Bi5xBK6E2Nbhj"
    assert wire.created(workflowId="4Bi5xBK6E2Nbhj") == "4Bi5xBK6E2Nbhj"
    assert Workflow.objects.count() == 1


def test_an_id_of_another_user_is_not(wire: Wire) -> None:
    wire.created(workflowId="4Bi5xBK6E2Nbhj")
    other = Wire(basic(token_of(make_user(), ["trace"])))
    answer = other.create(workflowId="4Bi5xBK6E2Nbhj", sessionId="other")
    assert answer.status == 404
    assert Workflow.objects.count() == 1


@pytest.mark.parametrize("wanted", ["null", "a/b", "a" * 17, "ä", ""])
def test_an_id_that_can_not_be_in_a_path_is_replaced(wire: Wire, wanted: str) -> None:
    made = wire.created(workflowId=wanted)
    assert re.fullmatch(r"[A-Za-z0-9]{1,16}", made)
    assert made != wanted


@pytest.mark.parametrize("workspace", ["11", "0", "-5", str(2**63 - 1)])
def test_any_workspace_is_taken(wire: Wire, workspace: str) -> None:
    path = f"/trace/create?workspaceId={workspace}"
    answer = wire.send("POST", path, creation())
    assert answer.status == 200
    assert answer.body["metadata"]["workspaceId"] == int(workspace)
    assert Workflow.objects.get().workspace_id == int(workspace)


@pytest.mark.parametrize("workspace", ["abc", "1.5", str(2**63), "9" * 5000, "٣"])
def test_a_workspace_that_is_no_integer_is_refused(wire: Wire, workspace: str) -> None:
    path = f"/trace/create?workspaceId={workspace}"
    assert wire.send("POST", path, creation()).status == 400
    assert not Workflow.objects.exists()


@pytest.mark.parametrize("name", ["🧬_run", "测序_1", "تسلسل", "a" * 300])
def test_a_name_of_any_letters_is_kept(wire: Wire, name: str) -> None:
    made = wire.created(runName=name)
    assert Workflow.objects.get(workflow_id=made).run_name == name[:255]
