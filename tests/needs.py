"""Programs that some tests can't do without."""

from __future__ import annotations

import os

import pytest


def need(there: object, reason: str) -> None:
    """Skip the test where something is not there; in CI, which has all, fail it."""
    if there:
        return
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
