from __future__ import annotations

from pytest_django import Settings

from tests.turret.launching.site import Site
from turret.checks import nextflow as check


def test_a_missing_nextflow_is_told_where_launching_is_set_up(
    site: Site, settings: Settings
) -> None:
    assert check() == []
    site.launcher["nextflow"] = "/nowhere/nextflow"
    settings.CONFIG = site.config()
    (found,) = check()
    assert (found.id, found.is_serious()) == ("turret.W001", False)
    assert "/nowhere/nextflow" in found.msg
