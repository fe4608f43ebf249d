"""The life of launches, with a stand-in for Nextflow: what ends them, and how."""

from __future__ import annotations

import pytest

from tests.turret.launching.site import Site, end
from turret.choices import LaunchState, Status

pytestmark = pytest.mark.django_db(transaction=True)


def test_exit_code_0_is_success(site: Site) -> None:
    launch = site.submit(params={"exit": 0, "sleep": 0})
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.SUCCEEDED, 0)


def test_any_other_is_failure(site: Site) -> None:
    launch = site.submit(params={"exit": 3, "sleep": 0})
    end(launch)
    assert (launch.state, launch.exit_code) == (LaunchState.FAILED, 3)
    assert launch.workflow.status == Status.FAILED
