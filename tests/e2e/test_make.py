"""Installing with make, without a package index: what fails must be taken up again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("Makefile", "requirements.lock", "pyproject.toml", "CHANGELOG.md")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(
    directory: Path, *arguments: str, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    # Not as a part of the make that may run this test.
    env = {name: os.environ[name] for name in os.environ if "MAKE" not in name}
    return subprocess.run(
        ["make", *arguments, f"PYTHON={python}"],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_too_old_is_named_with_the_remedy(checkout: Path) -> None:
    done = make(checkout, "up", python="false")
    assert done.returncode != 0
    assert "false is missing or older than 3.11: apt install python3" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_makes_no_environments_is_named_with_the_remedy(
    checkout: Path,
) -> None:
    # As python3 of Debian without python3-venv.
    fake = checkout / "python"
    fake.write_text(
        "#!/bin/sh\n"
        'case "$*" in *ensurepip*) echo No module >&2; exit 1;; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    fake.chmod(0o755)
    done = make(checkout, "up", python=str(fake))
    assert done.returncode != 0
    assert "can't make a virtual environment: apt install python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.slow
def test_an_installation_that_failed_is_taken_up_again(checkout: Path) -> None:
    assert make(checkout, "install", "PIP=false").returncode != 0
    assert not (checkout / ".venv" / "installed").exists()
    assert make(checkout, "install", "PIP=true").returncode == 0
    assert (checkout / ".venv" / "installed").exists()


def test_it_installs_again_only_when_the_lock_has_changed(checkout: Path) -> None:
    stamp = checkout / ".venv" / "installed"
    stamp.parent.mkdir()
    stamp.touch()
    assert "Nothing to be done" in make(checkout, "install").stdout
    later = time.time() + 10
    os.utime(checkout / "requirements.lock", (later, later))
    assert "pip" in make(checkout, "--dry-run", "install").stdout
