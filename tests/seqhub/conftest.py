from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty working directory and home, and none of our variables."""
    for name in list(os.environ):
        if name.startswith("SEQHUB_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    (tmp_path / "cwd").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "cwd")
