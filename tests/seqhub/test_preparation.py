from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, User
from django_q.models import Schedule

from seqhub.config import build_config
from seqhub.supervisor.preparation import prepare_database
from turret.models import ComputeEnvironment


@pytest.mark.django_db(transaction=True)
def test_the_first_start_makes_administrator_roles_and_schedules(
    tmp_path: Path, no_variables: None
) -> None:
    config = build_config({"data_dir": str(tmp_path)}, tmp_path)
    password = prepare_database(config, lambda _line: None)
    assert authenticate(username="admin", password=password) is not None
    file = tmp_path / "admin-password"
    assert file.read_text() == f"{password}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {group.name for group in Group.objects.all()} == {
        "viewer",
        "operator",
        "manager",
    }
    assert Schedule.objects.filter(name=f"scan@{config.host}").exists()
    assert ComputeEnvironment.objects.get(is_configured=True).name == "local"


@pytest.mark.django_db(transaction=True)
def test_a_later_start_leaves_the_administrator_alone(
    tmp_path: Path, no_variables: None
) -> None:
    config = build_config({"data_dir": str(tmp_path)}, tmp_path)
    User.objects.create_superuser("somebody")
    assert prepare_database(config, lambda _line: None) is None
    assert not (tmp_path / "admin-password").exists()
    assert User.objects.get().username == "somebody"
