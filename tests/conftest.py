from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nextflow.runs import installed
from tests.slurm import Slurm, running_slurm


@pytest.fixture(scope="session")
def nextflow() -> Path:
    """The program of the real Nextflow."""
    return installed()


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """A real SLURM, empty but for what tests of this session submitted."""
    with running_slurm() as slurm:
        yield slurm
