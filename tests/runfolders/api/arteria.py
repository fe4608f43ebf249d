"""What the tests of `/api/1.0` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rest_framework.test import APIClient

API = "/api/1.0/runfolders"
JSON = "application/json; charset=UTF-8"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == JSON
    assert list(answer.json()) == ["runfolders"]
    return [Path(entry["path"]).name for entry in answer.json()["runfolders"]]


def send(client: APIClient, method: str, path: str, body: bytes, kind: str) -> Any:
    """A body as it stands, under the content type `kind`."""
    return client.generic(method, path, body, kind)  # type: ignore[arg-type]


def is_error(answer: Any, status: int, code: str) -> bool:
    assert answer["Content-Type"].startswith("application/json")
    assert set(answer.json()) == {"code", "message", "detail"}
    return (answer.status_code, answer.json()["code"]) == (status, code)
