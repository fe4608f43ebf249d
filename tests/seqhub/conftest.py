from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty working directory and home, and none of our variables.

    Variables that the test or the code under test sets are gone afterwards.
    """
    before = dict(os.environ)
    for name in before:
        if name.startswith("SEQHUB_") or name == "DATABASE_URL":
            # By monkeypatch, which else would take away what a test sets anew.
            monkeypatch.delenv(name)
    (tmp_path / "cwd").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "cwd")
    yield
    os.environ.clear()
    os.environ.update(before)
