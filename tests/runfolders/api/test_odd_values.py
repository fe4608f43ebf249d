"""Whatever a query parameter or a path holds, the answer is 200 or a refusal."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

VALUES = [
    "NaN",
    "1.5",
    "1e400",
    "99999999999999999999",
    "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59-14:00",
    "%ED%A0%80",
    "%F0%28",
    "%00",
    "\"'%5C%25",
    "x" * 5_000,
]
PARAMETERS = {
    "/api/runfolders": (
        "state instrument project host present seen_after completed_before text "
        "limit offset"
    ),
    "/api/samples": "name project runfolder text",
    "/api/instruments": "serial platform",
    "/api/events": "subject runfolder source kind after text",
    "/api/1.0/runfolders": "state",
}


@pytest.mark.parametrize("value", VALUES)
def test_an_odd_parameter_is_answered_or_refused(client: APIClient, value: str) -> None:
    for path, names in PARAMETERS.items():
        for name in names.split():
            answer = client.get(f"{path}?{name}={value}")
            assert answer.status_code in (200, 400), (path, name)


@pytest.mark.parametrize("value", VALUES)
def test_an_odd_path_is_refused(client: APIClient, value: str) -> None:
    for path in ("/api/", "/api/runfolders/", "/api/1.0/runfolders/path/data/"):
        answer = client.get(f"{path}{value}")
        assert answer.status_code in (400, 404), path
        assert set(answer.json()) == {"code", "message", "detail"}
