from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqhub.cli import main, needs_database, set_configuration_aside, take_flags
from seqhub.config import build_config
from seqhub.version import VERSION
from tests.directories import open_directory
from tests.seqhub.commands import MANAGE, run

LOG_LEVELS = (
    "must be one of 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL' (found 'LOUD')"
)

pytestmark = pytest.mark.usefixtures("no_variables")


@pytest.mark.parametrize(
    ("arguments", "left", "variables"),
    [
        (["check"], ["check"], {}),
        (["--config", "a", "check"], ["check"], {"SEQHUB_CONFIG": "a"}),
        (["check", "--config=a=b"], ["check"], {"SEQHUB_CONFIG": "a=b"}),
        (["up", "--port", "9"], ["up"], {"SEQHUB_SERVER__PORT": "9"}),
        (["up", "--data-dir=x"], ["up"], {"SEQHUB_DATA_DIR": "x"}),
        (
            ["--host", "::", "up", "--log-level=debug"],
            ["--host", "::", "up", "--log-level=debug"],
            {},
        ),
        (
            ["up", "--host", "::", "--log-level=debug"],
            ["up"],
            {"SEQHUB_SERVER__HOST": "::", "SEQHUB_LOG_LEVEL": "debug"},
        ),
        (["simulate", "--port", "9"], ["simulate", "--port", "9"], {}),
    ],
)
def test_our_flags_become_variables(
    arguments: list[str], left: list[str], variables: dict[str, str]
) -> None:
    assert take_flags(arguments) == left
    ours = {n: v for n, v in os.environ.items() if n.startswith("SEQHUB_")}
    assert ours == variables


def test_a_flag_without_a_value_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        take_flags(["check", "--config"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "--config: a value must follow\n"


@pytest.mark.parametrize(
    ("command", "arguments", "expected"),
    [
        ("token", ["token", "create", "x"], True),
        ("token", ["token", "--help"], False),
        ("check", ["check"], False),
        ("init", ["init"], False),
        ("", [], False),
    ],
)
def test_the_embedded_database_is_started_only_for_those_who_need_it(
    command: str, arguments: list[str], expected: bool
) -> None:
    config = build_config({}, Path("/base"))
    assert needs_database(command, arguments, config) is expected


def test_a_database_of_the_sites_own_is_never_started() -> None:
    config = build_config({"database": {"url": "postgresql://h/d"}}, Path("/base"))
    assert not needs_database("token", ["token"], config)


def test_init_is_to_write_the_named_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQHUB_CONFIG", "mine.yaml")
    arguments = set_configuration_aside("init", ["init", "--force"])
    assert arguments == ["init", "--path", "mine.yaml", "--force"]
    assert os.environ["SEQHUB_CONFIG"] == os.devnull


@pytest.mark.slow
def test_a_wrong_configuration_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "seqhub.yaml"
    file.write_text("prot: 1\nserver: {port: x}\n")
    done = run("check", cwd=tmp_path, env={"SEQHUB_LOG_LEVEL": "loud"})
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["seqhub.yaml", "prot"],
        ["$SEQHUB_LOG_LEVEL", LOG_LEVELS],
        ["seqhub.yaml", "server.port"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["import-config", "import_config"])
def test_commands_are_spelled_with_hyphens_or_underscores(
    command: str, tmp_path: Path
) -> None:
    (tmp_path / "seqhub.yaml").write_text("broken: [")
    (tmp_path / "app.config").write_text("port: 5")
    done = run(command, "--arteria", "app.config", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "port: 5" in done.stdout


@pytest.mark.slow
def test_a_command_without_a_database_says_what_to_do(tmp_path: Path) -> None:
    done = run("migrate", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"there is no SeqHub database in {tmp_path}/var: run `up`" in done.stderr
    assert not (tmp_path / "var").exists()


@pytest.mark.slow
def test_the_old_statuses_can_be_imported_before_the_first_up() -> None:
    with open_directory() as cwd:
        archives, keys = cwd / "archives", cwd / "run_keys"
        archives.mkdir()
        keys.mkdir()
        (archives / "old.tar.gpg").write_bytes(b"archive")
        (keys / "old.key.gpg").write_bytes(b"no message")
        (cwd / "df_archive.yaml").write_text(
            f"sequencing_path: {cwd}\ndestination_path: {archives}\n"
            "gpg_receiver: core@example.org\n"
        )
        (cwd / "statusdb.json").write_text(
            '{"rows": [{"id": "old", "doc": {"_id": "old", "path": "/seq/A/old",'
            ' "status": "encrypted", "updated_at": "2024-02-01T11:30:00"}}]}'
        )
        old = ("--dataflow", "df_archive.yaml", "--output", "seqhub.yaml")
        imported = run("import-config", *old, cwd=cwd)
        assert imported.returncode == 0, imported.stderr
        done = run("import-statusdb", "statusdb.json", cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 taken over" in done.stdout
        assert (cwd / "var" / "host").is_file()
        again = run("import-statusdb", "statusdb.json", cwd=cwd)
        assert "1 were known" in again.stdout


def test_it_tells_its_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["seqhub", "--version"])
    main()
    assert capsys.readouterr().out == f"{VERSION}\n"


@pytest.mark.parametrize("command", ["version", "help"])
def test_a_reader_that_has_enough_gets_no_traceback(
    command: str, tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, MANAGE, command],
            cwd=tmp_path,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.slow
def test_a_secret_key_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "var" / "secret-key").mkdir(parents=True)
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        f"secret key: {tmp_path}/var/secret-key can't be read: Is a directory\n"
    )
