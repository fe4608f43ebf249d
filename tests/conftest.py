from __future__ import annotations

from pathlib import Path

import pytest

from tests.nextflow.runs import installed


@pytest.fixture(scope="session")
def nextflow() -> Path:
    """The program of the real Nextflow."""
    return installed()
