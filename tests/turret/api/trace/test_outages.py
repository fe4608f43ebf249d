"""Trouble that passes, and many calls at once: checks 8, 35, 36 and 49."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.turret.api.trace.wire import INSTANT, Answer, Wire, batch, ending, task
from turret.choices import Status
from turret.models import Workflow, WorkflowTask
from turret.services import rows, tracing

pytestmark = pytest.mark.django_db(transaction=True)

COPIES = 8


@contextmanager
def another_connection() -> Iterator[psycopg.Connection[Any]]:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    chosen = {name: parameters[name] for name in names if name in parameters}
    with psycopg.connect(**chosen) as other:
        yield other


@contextmanager
def locked(workflow_id: str) -> Iterator[None]:
    """The workflow's row, held by somebody who does not let go of it."""
    with another_connection() as other:
        other.execute(
            "SELECT 1 FROM turret_workflow WHERE workflow_id = %s FOR UPDATE",
            [workflow_id],
        )
        yield
        other.rollback()


def at_once(call: Callable[[], Answer]) -> list[Answer]:
    def in_thread(_number: int) -> Answer:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(COPIES) as pool:
        return list(pool.map(in_thread, range(COPIES)))


def test_a_lock_that_is_not_had_in_time_is_503_and_taken_later(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wire.created()
    monkeypatch.setattr(rows, "LOCK_PATIENCE", "100ms")
    with locked(made):
        answer = wire.call(made, "progress", batch(task()))
    assert answer.status == 503
    assert not WorkflowTask.objects.exists()
    assert wire.call(made, "progress", batch(task())).status == 200
    assert WorkflowTask.objects.count() == 1


def test_a_connection_that_was_lost_meanwhile_costs_no_call(wire: Wire) -> None:
    made = wire.created()
    wire.call(made, "progress", batch(task()))
    with another_connection() as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert wire.call(made, "progress", batch(task(taskId=2))).status == 200
    assert WorkflowTask.objects.count() == 2


def test_a_connection_that_is_lost_in_the_middle_is_503(wire: Wire) -> None:
    made = wire.created()
    with another_connection() as other:

        def lose(execute: Any, sql: str, *rest: Any) -> Any:
            other.execute(
                "SELECT pg_terminate_backend(%s, 5000)",
                [connection.connection.info.backend_pid],
            )
            return execute(sql, *rest)

        with connection.execute_wrapper(lose):
            assert wire.call(made, "begin", {}).status == 503
    connection.close()  # as the end of a request does
    assert wire.call(made, "progress", batch(task())).status == 200


def test_a_surprise_is_503_and_names_its_place_in_the_log(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = wire.created()

    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    with monkeypatch.context() as patch:
        patch.setattr(tracing, "update", fail)
        answer = wire.call(made, "progress", batch(task()))
    assert answer.status == 503
    assert "a mistake of ours" not in answer.message
    assert answer.body["detail"]["id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert wire.call(made, "progress", batch(task())).status == 200


def test_a_create_waits_for_a_database_that_comes_back(wire: Wire) -> None:
    """Clients up to 25.04 never send it again."""
    with another_connection() as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert wire.create().status == 200


def test_a_create_that_comes_twice_at_once_makes_one_run(wire: Wire) -> None:
    answers = at_once(wire.create)
    assert [answer.status for answer in answers] == [200] * COPIES
    assert len({answer.body["workflowId"] for answer in answers}) == 1
    assert Workflow.objects.count() == 1


@pytest.mark.parametrize("verb", ["begin", "progress", "complete"])
def test_copies_of_a_call_at_once_are_all_taken(wire: Wire, verb: str) -> None:
    made = wire.created()
    tasks = batch(*(task(number) for number in range(50)), succeeded=50)
    body = {**ending(progress={"succeeded": 50}), **tasks}
    answers = at_once(lambda: wire.call(made, verb, body))
    assert [answer.status for answer in answers] == [200] * COPIES
    assert WorkflowTask.objects.count() == (50 if verb == "progress" else 0)


def test_complete_may_overtake_the_last_progress(wire: Wire) -> None:
    made = wire.created()
    last = batch(*(task(number) for number in range(100)), succeeded=100)
    end = {**ending(progress={"succeeded": 100}), "instant": INSTANT + 9000}
    bodies = iter([("progress", last), ("complete", end)] * (COPIES // 2))

    def send() -> Answer:
        verb, body = next(bodies)
        return wire.call(made, verb, body)

    assert {answer.status for answer in at_once(send)} == {200}
    assert WorkflowTask.objects.count() == 100
    row = Workflow.objects.get()
    assert (row.status, row.succeeded) == (Status.SUCCEEDED, 100)
