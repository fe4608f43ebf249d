from __future__ import annotations

import pytest

from tests.turret.services.calls import make_caller, make_run
from turret.models import Workflow
from turret.services.callers import Caller


@pytest.fixture
def caller() -> Caller:
    return make_caller()


@pytest.fixture
def run(caller: Caller) -> Workflow:
    return make_run(caller)
