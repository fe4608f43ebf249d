from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from tests.turret.launching.site import Site
from turret.checks import JAVA_VARIABLES, allowed_roots
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


def test_a_missing_java_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in JAVA_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = check()
    assert (found.id, found.is_serious()) == ("turret.W002", False)
    monkeypatch.setenv("JAVA_HOME", "/opt/java")
    assert check() == []


def test_a_missing_allowed_root_is_told(
    site: Site, settings: Settings, tmp_path: Path
) -> None:
    site.launcher["allowed_roots"] = [str(tmp_path), "/nowhere"]
    settings.CONFIG = site.config()
    (found,) = allowed_roots()
    assert (found.id, found.is_serious()) == ("turret.W003", False)
    assert "/nowhere" in found.msg
