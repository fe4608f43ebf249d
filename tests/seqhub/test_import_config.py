from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from runfolders.conf import Completion
from seqhub.config import Config, ConfigError, build_config
from seqhub.config_file import read_mapping

pytestmark = pytest.mark.usefixtures("no_variables")

ARTERIA = """\
monitored_directories:
    - /data/biotank1
    - /data/"odd": {dir}
completed_marker_grace_minutes: 10
can_create_runfolder: True
port: 9991
"""


def import_config(*arguments: str) -> tuple[str, list[str]]:
    """Standard output, and the lines of standard error."""
    out, err = StringIO(), StringIO()
    call_command("import_config", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue().splitlines()


def written(text: str, directory: Path) -> Config:
    file = directory / "ours.yaml"
    file.write_text(text)
    values, mistakes = read_mapping(file)
    assert mistakes == []
    return build_config(values, directory)


def test_it_writes_ours_from_arterias(tmp_path: Path) -> None:
    source = tmp_path / "app.config"
    source.write_text(ARTERIA.replace('/data/"odd": {dir}', "'/data/\"odd\": {dir}'"))
    text, told = import_config("--arteria", str(source))
    assert told == []
    config = written(text, tmp_path)
    assert [str(root.path) for root in config.runfolders.monitored_directories] == [
        "/data/biotank1",
        '/data/"odd": {dir}',
    ]
    assert config.runfolders.completion is Completion.ARTERIA
    assert config.runfolders.completed_marker_grace_minutes == 10
    assert config.runfolders.can_create_runfolder is True
    assert config.server.port == 9991
    assert config.server.host == "0.0.0.0"  # noqa: S104 - as Arteria did


def test_what_is_missing_is_as_in_arteria(tmp_path: Path) -> None:
    source = tmp_path / "app.config"
    source.write_text("monitored_directories: [runs]\n")
    text, [told] = import_config("--arteria", str(source))
    assert "names no port" in told
    config = written(text, tmp_path)
    roots = config.runfolders.monitored_directories
    assert [root.path for root in roots] == [tmp_path / "runs"]
    assert config.runfolders.completed_marker_grace_minutes == 0
    assert config.runfolders.can_create_runfolder is False


def test_nothing_is_lost_in_silence(tmp_path: Path) -> None:
    source = tmp_path / "app.config"
    source.write_text("port: 1\nlinked_services: {a: [1]}\nweb: |\n  two\n  lines\n")
    (tmp_path / "logger.config").write_text("")
    text, told = import_config("--arteria", str(source))
    assert [line.split(" is ")[0] for line in told] == [
        f"{source}: linked_services",
        f"{source}: web",
        "logger.config",
    ]
    assert 'SeqHub has no such key: linked_services: {"a": [1]}' in text
    assert 'web: "two\\nlines\\n"' in text
    written(text, tmp_path)


def test_it_writes_a_new_file_only(tmp_path: Path) -> None:
    source, output = tmp_path / "app.config", tmp_path / "seqhub.yaml"
    source.write_text("port: 1")
    import_config("--arteria", str(source), "--output", str(output))
    before = output.read_text()
    assert written(before, tmp_path).server.port == 1
    with pytest.raises(CommandError, match="is there already"):
        import_config("--arteria", str(source), "--output", str(output))
    assert output.read_text() == before


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        ("port: x", ConfigError, r"server.port: must be a whole number \(found 'x'"),
        ("port: 1\nport: 2", ConfigError, "line 2: port is already given in line 1"),
        ("- a", CommandError, "must hold `key: value` lines"),
        (None, CommandError, "can't be read: No such file or directory"),
    ],
)
def test_a_bad_file_is_refused(
    text: str | None, error: type[Exception], expected: str, tmp_path: Path
) -> None:
    source = tmp_path / "app.config"
    if text is not None:
        source.write_text(text)
    with pytest.raises(error, match=expected):
        import_config("--arteria", str(source))


DATAFLOW = """\
statusdb:
  username: couch
  password: secret
  url: couchdb.example.org
  database: archive
sequencing_path: /seq
{destination}: /archives
gpg_receiver: core@example.org
ignore: [nosync, "old: runs"]
tar_exclusions: [Thumbnail_Images]
{log}: /var/log/df_archive.log
log_level: debug
"""


@pytest.mark.parametrize(
    ("destination", "log"),
    [
        ("destination_path", "log_file"),
        ("archive_staging_path", "encrypt_log_file"),
        ("archive_staging_path", "archive_log_file"),
    ],
)
def test_it_writes_ours_from_dataflow_archives(
    destination: str, log: str, tmp_path: Path
) -> None:
    source = tmp_path / "df_archive.yaml"
    source.write_text(DATAFLOW.format(destination=destination, log=log))
    text, [told, about_keys] = import_config("--dataflow", str(source))
    assert f"run_keys_path: {tmp_path}/run_keys was written" in about_keys
    assert "statusdb is no longer needed" in told
    assert "seqhub import-statusdb" in told
    assert "secret" not in text + told
    config = written(text, tmp_path)
    section = config.archiving
    assert section.sequencing_path == Path("/seq")
    assert section.destination_path == Path("/archives")
    assert section.run_keys_path == tmp_path / "run_keys"  # below its home directory
    assert section.gpg_receivers == ["core@example.org"]
    assert section.ignore == ["nosync", "old: runs"]
    assert section.tar_exclusions == ["Thumbnail_Images"]
    assert config.log_file == Path("/var/log/df_archive.log")
    assert config.log_level == "DEBUG"


def test_a_second_log_and_unknown_keys_are_told(tmp_path: Path) -> None:
    source = tmp_path / "df_archive.yaml"
    source.write_text("encrypt_log_file: /a\narchive_log_file: /b\nspeed: 3\n")
    text, told = import_config("--dataflow", str(source))
    assert told[0] == f"{source}: archive_log_file is not needed: SeqHub has one log"
    assert told[2] == f"{source}: speed is not taken over (no such key)"
    assert "no such key: speed: 3" in text
    config = written(text, tmp_path)
    assert config.log_file == Path("/a")
    assert not config.archiving.is_on


def test_both_services_make_one_file(tmp_path: Path) -> None:
    arteria, dataflow = tmp_path / "app.config", tmp_path / "df_archive.yaml"
    arteria.write_text("port: 9991\nmonitored_directories: [/data]")
    dataflow.write_text(DATAFLOW.format(destination="destination_path", log="log_file"))
    text, _ = import_config("--arteria", str(arteria), "--dataflow", str(dataflow))
    assert "from df_archive.yaml and app.config" in text
    config = written(text, tmp_path)
    assert config.server.port == 9991
    assert config.archiving.is_on


def test_an_old_configuration_must_be_named() -> None:
    with pytest.raises(CommandError, match="--arteria, --dataflow"):
        import_config()
