"""What a script does over the API, with the real Nextflow."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.clients import client_with
from tests.factories import HOST
from tests.nextflow.runs import PIPELINES
from tests.turret.launching.site import Site, look_until
from turret.services.launching.watching import Watch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
API = "/api/launches"


def followed(client: APIClient, launch: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The launch when it has ended, and what its log said meanwhile."""
    said, offset = [], 0

    def is_over() -> bool:
        nonlocal offset
        answer = client.get(f"{launch['url']}/log", {"offset": offset})
        said.append(answer.content.decode())
        offset = int(answer["X-Next-Offset"])
        return answer["X-Launch-State"] not in {"pending", "starting", "running"}

    look_until(is_over, Watch(HOST))
    return client.get(launch["url"]).json(), "".join(said)


def test_a_script_launches_follows_and_resumes(real: Site) -> None:
    client = client_with("read", "write")
    params = {"samples": "a,b", "outdir": str(real.directory / "results")}
    sent = {"pipeline": str(PIPELINES / "three"), "params": params}
    answer = client.post(API, sent, format="json")
    assert answer.status_code == 201, answer.content
    first, said = followed(client, answer.json())
    assert (first["status"], first["exit_code"]) == ("succeeded", 0), said
    log = client.get(f"{first['url']}/log", {"tail": 10_000}).content.decode()
    assert said == log
    assert "MERGE" in log
    run = client.get(first["run"]).json()
    assert (run["status"], run["task_counts"]["succeeded"]) == ("succeeded", 5)

    changes = {"params": {"samples": "a,b,c"}}
    answer = client.post(f"{first['url']}/resume", changes, format="json")
    assert answer.status_code == 201, answer.content
    second, said = followed(client, answer.json())
    assert (second["status"], second["parent"]) == ("succeeded", first["launch_id"])
    counts = client.get(second["run"]).json()["task_counts"]
    assert (counts["cached"], counts["succeeded"]) == (4, 3), said
    assert client.delete(second["url"]).status_code == 409
