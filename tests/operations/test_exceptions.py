"""Errors over HTTP: one shape, the right status, never a page of HTML."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory
from rest_framework.views import APIView

from seqhub.error_pages import server_error
from seqhub.lib.patience import TimedOut
from seqhub.operations.errors import IllegalTransition, InvalidValue, NotFound
from tests.clients import client_with

HTML = {"Accept": "text/html"}


def raising(error: Exception, **headers: str) -> Response:
    """What a view that raises `error` answers, as sent."""

    class View(APIView):
        authentication_classes = ()
        permission_classes = ()

        def get(self, request: Request) -> Response:
            raise error

    request = APIRequestFactory().get("/api/x", headers=headers)
    answer = View.as_view()(request)
    assert isinstance(answer, Response)
    answer.render()
    return answer


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidValue("No."), 400, "invalid_value"),
        (NotFound("No."), 404, "not_found"),
        (IllegalTransition("No."), 409, "illegal_transition"),
        (Http404("No."), 404, "not_found"),
        (PermissionDenied("No."), 403, "permission_denied"),
        (SuspiciousOperation("No."), 400, "bad_request"),
        (exceptions.ParseError("No."), 400, "parse_error"),
        (exceptions.NotFound("No."), 404, "not_found"),
    ],
)
def test_a_refusal_says_what_it_is(error: Exception, status: int, code: str) -> None:
    answer = raising(error)
    assert answer.status_code == status
    assert answer.data == {"code": code, "message": "No.", "detail": "No."}


def test_a_domain_error_tells_its_details() -> None:
    answer = raising(InvalidValue("No.", known=["a", "b"]))
    assert answer.data["detail"] == {"known": ["a", "b"]}


def test_wrong_fields_are_named() -> None:
    wrong: Any = {"state": ["Not a choice."], "reads": {"cycles": ["Too many."]}}
    answer = raising(exceptions.ValidationError(wrong))
    assert answer.status_code == 400
    assert answer.data["code"] == "invalid"
    assert answer.data["message"] == "state: Not a choice.; reads.cycles: Too many."
    assert answer.data["detail"] == wrong


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OperationalError("server closed the connection"), "database_unavailable"),
        (InterfaceError("connection already closed"), "database_unavailable"),
        (TimedOut("The disk did not answer."), "disk_timeout"),
    ],
)
def test_passing_trouble_is_503_and_asks_to_come_again(
    error: Exception, code: str
) -> None:
    answer = raising(error, **HTML)
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer["Content-Type"] == "application/json"
    assert answer.data["code"] == code
    assert "server closed" not in str(answer.data)


def test_a_surprise_is_json_whose_id_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = raising(ZeroDivisionError("secret of the house"), **HTML)
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/json"
    assert answer.data["code"] == "internal_error"
    assert "secret" not in str(answer.data)
    [record] = [r for r in caplog.records if r.name.startswith("seqhub")]
    assert answer.data["detail"]["id"] in record.getMessage()
    assert record.exc_info
    assert record.exc_info[0] is ZeroDivisionError


def test_a_message_that_is_not_utf8_can_be_sent() -> None:
    assert b"caf" in raising(NotFound("There is no caf\udce9.")).content


@pytest.mark.parametrize(
    "path", ["/api/nothing", "/api/1.0/nothing", "/api/runfolders/x"]
)
def test_an_unknown_path_is_json(path: str) -> None:
    answer = APIClient().get(path, headers=HTML)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) == {"code", "message", "detail"}


@pytest.mark.parametrize("path", ["/nothing", "/apinothing"])
def test_elsewhere_an_unknown_path_is_a_page(path: str) -> None:
    answer = APIClient().get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


def test_a_wrong_host_is_json_that_names_the_setting() -> None:
    answer = APIClient().get("/api/runfolders", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "server.allowed_hosts" in answer.json()["message"]


def failing(path: str, error: Exception) -> Any:
    """What is answered when `error` strikes outside any view of the API."""
    try:
        raise error
    except type(error):
        return server_error(RequestFactory().get(path))


def test_trouble_outside_the_views_has_the_same_shape() -> None:
    answer = failing("/api/x", ZeroDivisionError("secret of the house"))
    assert answer.status_code == 500
    assert json.loads(answer.content)["code"] == "internal_error"
    answer = failing("/api/x", OperationalError("connection refused"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert json.loads(answer.content)["code"] == "database_unavailable"


def test_a_person_is_told_in_plain_words() -> None:
    answer = failing("/admin/", OperationalError("connection refused"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"].startswith("text/plain")
    assert failing("/admin/", ZeroDivisionError()).status_code == 500


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "state=unknown",
        "platform=x",
        "seen_after=yesterday",
        "instrument=%00",
        "text=%00",
    ],
)
def test_a_wrong_filter_is_named(query: str) -> None:
    answer = client_with("read").get(f"/api/runfolders?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert list(answer.json()["detail"]) == [query.partition("=")[0]]


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_database_outage_while_a_token_is_checked_is_503(
    monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    # A stand-in for a server that is gone: the embedded one serves all tests.
    def refuse(*args: Any) -> None:
        raise OperationalError("connection refused")

    client = client_with("read")
    target: Callable[..., Any] = refuse
    monkeypatch.setattr(
        "seqhub.operations.api.authentication.find_token", target, raising=True
    )
    answer = client.get("/api/runfolders", headers={"Accept": accept})
    assert answer.status_code == 503
    assert answer.json()["code"] == "database_unavailable"
