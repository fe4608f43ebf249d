"""Recorded bodies that went wrong on the way: none is too much for the trace."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.turret.api.trace.wire import Wire, creation
from tests.turret.engine.mutated import bodies, raw
from turret.engine.records import JsonObject
from turret.models import Workflow

VERBS = ["begin", "progress", "heartbeat", "complete"]
# The examples of a test share its fixtures, and one transaction.
quickly = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quickly
@given(verb=st.sampled_from(VERBS), body=bodies(*VERBS))
def test_any_object_is_taken_by_any_call(
    wire: Wire, verb: str, body: JsonObject
) -> None:
    answer = wire.call(wire.created(), verb, raw(body))
    assert answer.status == 200


@quickly
@given(body=bodies("create"))
def test_any_object_makes_a_workflow(wire: Wire, body: JsonObject) -> None:
    body.pop("workflowId", None)
    answer = wire.send("POST", "/trace/create", raw(body))
    assert answer.status == 200
    assert wire.call(answer.body["workflowId"], "heartbeat", {}).status == 200


@quickly
@given(
    verb=st.sampled_from(VERBS),
    body=bodies(*VERBS),
    cut=st.floats(0, 1),
    noise=st.binary(max_size=4),
)
def test_any_bytes_are_taken_or_refused_but_no_surprise(
    wire: Wire, verb: str, body: JsonObject, cut: float, noise: bytes
) -> None:
    sent = raw(body)
    at = int(len(sent) * cut)
    spoilt = sent[:at] + noise + sent[at + len(noise) :]
    made = wire.created()
    for some in (spoilt, sent[:at]):
        assert wire.call(made, verb, some).status in (200, 400)
    assert wire.call(made, "heartbeat", {}).status == 200


@quickly
@given(text=st.text(max_size=300), query=st.text(max_size=50))
def test_any_path_is_answered(wire: Wire, text: str, query: str) -> None:
    before = Workflow.objects.count()
    # What a server hands over are bytes, as Latin-1.
    path = f"/trace/{text}".encode(errors="replace").decode("latin-1")
    answer = wire.send("PUT", path.replace("?", ""), {})
    assert answer.status in (404, 405)
    query = query.encode(errors="replace").decode("latin-1")
    created = wire.send("POST", "/trace/create", creation(), QUERY_STRING=query)
    assert created.status in (200, 400)
    assert Workflow.objects.count() - before in (0, 1)
