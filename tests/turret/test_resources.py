"""Metrics of any kind are shown: check 44 of the protocol beyond storing them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import client_with
from tests.staff import staff
from tests.turret.api.trace.wire import ending
from tests.turret.factories import WorkflowFactory
from tests.turret.pages import page_of, text_of
from tests.turret.services.calls import make_caller
from turret.engine.trace import read_complete
from turret.services import tracing

pytestmark = pytest.mark.django_db

SERIES = {"mean": 50.5, "max": 88, "maxLabel": "ALIGN (s1)"}


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ([], "Nextflow sent no figures"),
        ([{"process": "ALIGN", "cpu": None, "mem": None, "time": None}], "ALIGN"),
        ([{"process": "ALIGN", "cpu": SERIES, "gpuUsage": SERIES}], "0.5 cores"),
        ([{"process": "ALIGN", "mem": [1], "time": "x", "cpu": 7}, 5, None], "ALIGN"),
        ([{"process": "ALIGN", "mem": {"mean": -1, "max": 2**70}}], "ALIGN"),
        ([{"process": "ALIGN", "mem": {"mean": 10**400, "max": 10**400}}], "ALIGN"),
        ([{"process": "ALIGN", "time": {"mean": 1e300, "max": 10**400}}], "ALIGN"),
        ([{"process": {"a": 1}, "cpu": {"mean": True}}], "a&#x27;: 1}"),
        ({"process": "ALIGN"}, "Nextflow sent no figures"),
    ],
)
def test_metrics_of_any_kind_are_shown(metrics: Any, words: str) -> None:
    caller = make_caller()
    row = WorkflowFactory.create(token_digest=caller.token_digest)
    call = read_complete({**ending(), "metrics": metrics})
    tracing.complete(row.workflow_id, call, caller)
    assert words in text_of(staff("viewer"), page_of(row), tab="resources")
    client = client_with("read")
    for path in (f"/api/runs/{row.workflow_id}", f"/api/workflow/{row.workflow_id}"):
        answer = client.get(f"{path}/metrics")
        assert answer.status_code == 200
        assert isinstance(answer.json()["metrics"], list)
