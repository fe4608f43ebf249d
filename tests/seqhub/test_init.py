from __future__ import annotations

import re
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command
from pydantic import BaseModel

from seqhub.config import Config, build_config
from seqhub.config_file import read_mapping
from seqhub.management.commands.init import commented_configuration
from tests.seqhub.commands import run


def uncommented(text: str) -> dict[str, Any]:
    """The file with every default put in force: `#key:` without the hash."""
    lines = re.sub(r"^(\s*)#(?=\w+:)", r"\1", text, flags=re.MULTILINE)
    values = yaml.safe_load(lines)
    assert isinstance(values, dict)
    return values


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """What the file should say of each key: nothing where there is no value."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            values[name] = defaults(section)
        elif name == "host" and model is Config:  # this machine's name
            values[name] = None
        else:
            default = field.get_default(call_default_factory=True)
            values[name] = str(default) if isinstance(default, Path) else default
    return values


def test_the_commented_file_names_every_key_with_its_default() -> None:
    assert uncommented(commented_configuration(None)) == defaults(Config)


def test_the_file_says_nothing_as_it_is(tmp_path: Path) -> None:
    values = yaml.safe_load(commented_configuration(None))
    assert set(values.values()) == {None}


@pytest.mark.slow
def test_it_writes_the_file_and_makes_the_data_directory(tmp_path: Path) -> None:
    done = run("init", cwd=tmp_path)
    assert done.returncode == 0
    assert f"Wrote {tmp_path}/seqhub.yaml" in done.stdout
    key = tmp_path / "var" / "secret-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) & 0o066 == 0
    assert run("check", cwd=tmp_path).returncode == 0


def test_it_leaves_a_file_that_is_there(no_variables: None) -> None:
    file = Path("seqhub.yaml")
    file.write_text("mine: [broken")
    with pytest.raises(CommandError, match="is there already; --force replaces it"):
        call_command("init")
    assert file.read_text() == "mine: [broken"
    call_command("init", force=True, stdout=StringIO())
    assert "runfolders:" in file.read_text()


@pytest.mark.slow
def test_the_file_and_the_data_directory_can_be_named(
    tmp_path: Path, no_variables: None
) -> None:
    (tmp_path / "seqhub.yaml").write_text("broken: [")
    file, data = tmp_path / "a.yaml", tmp_path / 'a "strange": name'
    done = run("--config", str(file), "init", f"--data-dir={data}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (data / "secret-key").is_file()
    values, _ = read_mapping(file)
    assert build_config(values, tmp_path).data_dir == data


def test_a_place_that_cannot_be_written_is_one_line(no_variables: None) -> None:
    with pytest.raises(CommandError, match=r"/proc/seqhub.yaml can't be written"):
        call_command("init", path=Path("/proc/seqhub.yaml"))
