from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.utils import timezone

from archiving.engine.gpg import preflight, recipients
from archiving.engine.gpg.home import open_home
from seqhub import tryout
from seqhub.config import Config, load_config

pytestmark = pytest.mark.usefixtures("no_variables")


@pytest.fixture
def config() -> Config:
    config = load_config()
    assert config.is_tryout
    config.data_dir.mkdir()
    return config


def prepare(config: Config) -> list[tuple[str, str]]:
    """What was said."""
    told: list[tuple[str, str]] = []
    tryout.prepare(config, lambda message, level: told.append((message, level)))
    return told


def gpg_home(config: Config) -> Path:
    assert config.archiving.gnupg_home
    return config.archiving.gnupg_home


def test_its_key_seals_and_opens(config: Config) -> None:
    assert prepare(config) == []
    section = config.archiving
    assert section.destination_path
    assert section.destination_path.is_dir()
    assert [root.is_dir() for root in section.restore_roots] == [True]
    with open_home(config.data_dir / "run" / "gnupg", gpg_home(config)) as home:
        [key] = recipients.look_up(home, section.gpg_receivers, timezone.now())
        assert key.problem is None
        assert key.can_open
        preflight.key_test(home, key)


def test_the_example_workflow_analyses_one_of_the_example_runs(config: Config) -> None:
    prepare(config)
    argv = tryout.commands(config)["replay"]
    assert Path(argv[argv.index("--input") + 1], "RunInfo.xml").is_file()


def test_a_second_start_keeps_the_key(config: Config) -> None:
    assert prepare(config) == []
    before = sorted(path.name for path in gpg_home(config).rglob("*"))
    assert prepare(config) == []
    assert sorted(path.name for path in gpg_home(config).rglob("*")) == before


def test_what_a_killed_start_left_is_made_anew(config: Config) -> None:
    home = gpg_home(config)
    left = home.with_name(f"{home.name}.partial")
    (left / "private-keys-v1.d").mkdir(parents=True)
    assert prepare(config) == []
    assert not left.exists()
    assert len(list((home / "private-keys-v1.d").iterdir())) == 2


def test_it_leaves_nothing_running_and_nothing_open(config: Config) -> None:
    assert prepare(config) == []
    data_dir = str(config.data_dir)
    running = [line for line in _command_lines() if data_dir in " ".join(line)]
    assert running == []
    assert list((config.data_dir / "run" / "gnupg").iterdir()) == []
    assert gpg_home(config).stat().st_mode & 0o777 == 0o700


def _command_lines() -> Iterator[list[str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid():
                yield process.cmdline()


def test_without_gpg_it_says_so_and_goes_on(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as changed:
        changed.setenv("PATH", str(tmp_path))
        [(message, level)] = prepare(config)
    assert "can't be sealed: gpg is not on the PATH. Install it" in message
    assert level == "WARNING"
    assert list(config.example_directory.iterdir())
    assert prepare(config) == []
