from __future__ import annotations

from pathlib import Path

import pytest

from runfolders.conf import Completion
from seqhub.config import Config, ConfigError, load_config

pytestmark = pytest.mark.usefixtures("no_variables")


def read(text: str, monkeypatch: pytest.MonkeyPatch, directory: Path) -> Config:
    file = directory / "seqhub.yaml"
    file.write_text(text)
    monkeypatch.setenv("SEQHUB_CONFIG", str(file))
    return load_config()


def mistakes(text: str, monkeypatch: pytest.MonkeyPatch, directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, monkeypatch, directory)
    return caught.value.mistakes


def test_without_a_file_it_shows_itself_on_examples(tmp_path: Path) -> None:
    config = load_config()
    assert config.is_tryout
    assert config.file is None
    assert config.data_dir == tmp_path / "cwd" / "var"
    roots = config.runfolders.monitored_directories
    assert [root.path for root in roots] == [config.example_directory]


def test_run_folders_named_by_a_variable_are_no_tryout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEQHUB_RUNFOLDERS__MONITORED_DIRECTORIES", '["/data/seq"]')
    config = load_config()
    assert not config.is_tryout
    roots = config.runfolders.monitored_directories
    assert [root.path for root in roots] == [Path("/data/seq")]


@pytest.mark.parametrize("key", ["SEQUENCING_PATH", "DESTINATION_PATH"])
def test_archives_named_by_a_variable_are_no_tryout(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its runs would be sealed to the throwaway key of the example.
    monkeypatch.setenv(f"SEQHUB_ARCHIVING__{key}", "/data/seq")
    config = load_config()
    assert not config.is_tryout
    assert config.archiving.gpg_receivers == []


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "server:\n"])
def test_an_empty_file_is_legal_and_no_tryout(
    text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = read(text, monkeypatch, tmp_path)
    assert not config.is_tryout
    assert config.runfolders.monitored_directories == []
    assert config.server.port == 8000


def test_files_are_looked_for_in_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / ".config" / "seqhub" / "seqhub.yaml"
    home.parent.mkdir(parents=True)
    home.write_text("server: {port: 2}")
    assert load_config().server.port == 2
    Path("seqhub.yaml").write_text("server: {port: 3}")
    assert load_config().server.port == 3
    named = tmp_path / "named.yaml"
    named.write_text("server: {port: 4}")
    monkeypatch.setenv("SEQHUB_CONFIG", str(named))
    assert load_config().server.port == 4
    assert load_config().file == named


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQHUB_CONFIG", "missing.yaml")
    with pytest.raises(ConfigError, match=r"missing.yaml: there is no such file"):
        load_config()


def test_it_starts_without_a_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "")
    assert load_config().is_tryout


def test_relative_paths_count_from_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """
data_dir: state
secret_key_file: ../key
runfolders: {monitored_directories: [runs/../seq, ~/mine, {path: /deep, depth: 2}]}
"""
    config = read(text, monkeypatch, tmp_path)
    assert config.data_dir == tmp_path / "state"
    assert config.secret_key_path == tmp_path.parent / "key"
    roots = config.runfolders.monitored_directories
    assert [(root.path, root.depth) for root in roots] == [
        (tmp_path / "seq", 1),
        (tmp_path / "mine", 1),
        (Path("/deep"), 2),
    ]


def test_relative_paths_in_variables_count_from_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQHUB_DATA_DIR", "mine")
    assert read("", monkeypatch, tmp_path).data_dir == tmp_path / "cwd" / "mine"


def test_variables_win_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQHUB_SERVER__PORT", "9000")
    monkeypatch.setenv("SEQHUB_LOG_LEVEL", "debug")
    config = read(
        "server: {port: 1, allowed_hosts: [a]}\nlog_level: error",
        monkeypatch,
        tmp_path,
    )
    assert (config.server.port, config.log_level) == (9000, "DEBUG")
    assert config.server.allowed_hosts == ["a"]


def test_an_empty_variable_is_not_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQHUB_SERVER__PORT", "")
    assert read("server: {port: 7}", monkeypatch, tmp_path).server.port == 7


def test_variables_of_others_do_no_harm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Kubernetes sets these for a service that is called seqhub.
    monkeypatch.setenv("SEQHUB_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("SEQHUB_PORT", "tcp://10.0.0.1:8000")
    assert read("", monkeypatch, tmp_path).server.port == 8000


def test_database_url_wins_over_the_file_and_ours_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "database: {url: postgresql://file/db}"
    monkeypatch.setenv("DATABASE_URL", "postgres://variable/db")
    assert read(text, monkeypatch, tmp_path).database.url == "postgres://variable/db"
    monkeypatch.setenv("SEQHUB_DATABASE__URL", "postgresql://ours/db")
    assert read(text, monkeypatch, tmp_path).database.url == "postgresql://ours/db"


def test_arterias_names_are_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """
monitored_directories: [/data/a, /data/b]
completed_marker_grace_minutes: 10
can_create_runfolder: True
port: 9991
"""
    config = read(text, monkeypatch, tmp_path)
    roots = config.runfolders.monitored_directories
    assert [str(root.path) for root in roots] == ["/data/a", "/data/b"]
    assert config.runfolders.completed_marker_grace_minutes == 10
    assert config.runfolders.can_create_runfolder is True
    assert config.runfolders.completion is Completion.PLATFORM
    assert config.server.port == 9991


def test_an_old_and_a_new_name_together_are_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = mistakes("port: 1\nserver: {port: 2}", monkeypatch, tmp_path)
    assert found == ["port: is also given as server.port; remove one"]


ONE_MISTAKE = [
    ("prot: 1", "prot: unknown key; known here: api, archiving"),
    ("on: 1", "True: unknown key"),
    ("_env_file: x", "_env_file: unknown key"),
    ("hosts: a", "hosts: unknown key; did you mean host?"),
    ("public_url: x", "public_url: unknown key; did you mean server.public_url?"),
    ("server: {prot: 1}", "server.prot: unknown key; did you mean port?"),
    ("server: 1", "server: must be a section of `key: value` lines (found 1)"),
    ("server: {port: x}", "server.port: must be a whole number (found 'x')"),
    ("server: {port: 0}", "server.port: must be at least 1 (found 0)"),
    ("server: {port: 70000}", "server.port: must be at most 65535 (found 70000)"),
    ("server: {port: yes}", "server.port: must not be true"),
    ("host: no", "host: must be text"),
    ("host: a b", "host: must be made of letters, digits, dots"),
    ("host: 7", "host: must be text; quote it (found 7)"),
    ("time_zone: Mars", "time_zone: must be an IANA name"),
    ("log_level: loud", "log_level: must be one of 'DEBUG', 'INFO'"),
    ("data_dir: ''", "data_dir: must be a path"),
    ('data_dir: "a\\0b"', "data_dir: must be a path"),
    ("data_dir: ~nobody-here/x", "data_dir: ~nobody-here is nobody's home"),
    ("server: {public_url: x}", "server.public_url: must be an address"),
    ("server: {public_url: https://a/b}", "server.public_url: must name a host only"),
    ("server: {allowed_hosts: a}", "server.allowed_hosts: must be a list"),
    ("api: {open_to: [1.2.3.4/8]}", "api.open_to[0]: must be a network"),
    ("database: {url: mysql://h/d}", "database.url: must be a PostgreSQL address"),
    ("database: {url: postgresql://h}", "database.url: must be a PostgreSQL address"),
    ("database: {url: 'postgresql://[/'}", "database.url: must be a PostgreSQL"),
    (
        "monitored_directories: /data",
        "runfolders.monitored_directories: must be a list",
    ),
    (
        "monitored_directories: [3]",
        "runfolders.monitored_directories[0]: must be a path, or `path` and `depth`",
    ),
    (
        "monitored_directories: [{depth: 2}]",
        "runfolders.monitored_directories[0].path: is missing",
    ),
    (
        "monitored_directories: [{path: /a, dept: 2}]",
        "runfolders.monitored_directories[0].dept: unknown key; did you mean depth?",
    ),
    (
        "monitored_directories: [/a, /a/]",
        "runfolders.monitored_directories: /a is listed twice",
    ),
    (
        "data_dir: /a/b\nmonitored_directories: [/a]",
        "data_dir: /a/b must not lie in the monitored directory /a",
    ),
    ("can_create_runfolder: maybe", "runfolders.can_create_runfolder: must be true or"),
    (
        "completed_marker_grace_minutes: -1",
        "runfolders.completed_marker_grace_minutes: must be at least 0 (found -1)",
    ),
    (
        "completed_marker_grace_minutes: .inf",
        "runfolders.completed_marker_grace_minutes: must be a finite number",
    ),
    (
        "runfolders: {completion: artera}",
        "runfolders.completion: must be one of 'platform' or 'arteria'",
    ),
    (
        "runfolders: {completion_rules: [{require: [a], instrument: '('}]}",
        "runfolders.completion_rules[0].instrument: not a regular expression",
    ),
    ("a: [", "line 1, column 5: not valid YAML"),
    ("a: *b", "line 1, column 6: not valid YAML: aliases are not known here"),
    ("host: 2024-13-45", "not valid YAML: month must be in 1..12"),
    ("host: a\nhost: b", "line 2: host is already given in line 1; remove one"),
    ("- a", "must hold `key: value` lines"),
    ("just text", "must hold `key: value` lines"),
    ("[" * 5000, "is nested too deeply"),
    ("#" * 300_000, "is larger than 256 KiB"),
]


@pytest.mark.parametrize(("text", "expected"), ONE_MISTAKE)
def test_a_mistake_is_named_with_its_place_and_what_is_right(
    text: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = mistakes(text, monkeypatch, tmp_path)
    assert len(found) == 1
    assert found[0].startswith(expected)
    assert "\n" not in found[0]


def test_all_mistakes_are_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """
prot: 1
data_dir: ''
time_zone: Mars
server: {port: x, port: y, allowed_hosts: a}
runfolders: {monitored_directories: [3, {path: /a, depth: 9}]}
"""
    monkeypatch.setenv("SEQHUB_LOG_LEVEL", "loud")
    assert [m.split(":")[0] for m in mistakes(text, monkeypatch, tmp_path)] == [
        "line 5",
        "prot",
        "data_dir",
        "time_zone",
        "$SEQHUB_LOG_LEVEL",
        "server.port",
        "server.allowed_hosts",
        "runfolders.monitored_directories[0]",
        "runfolders.monitored_directories[1].depth",
    ]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SEQHUB_SERVER__PORT", "x", "must be a whole number (found 'x')"),
        ("seqhub_server__port", "x", "must be a whole number (found 'x')"),
        ("SEQHUB_SERVER__PROT", "1", "unknown key; did you mean port?"),
        ("SEQHUB_SERVR__PORT", "1", "unknown section; did you mean server?"),
        ("SEQHUB_SERVER", "1", "must be JSON"),
        (
            "SEQHUB_RUNFOLDERS__MONITORED_DIRECTORIES",
            "/data",
            'must be a list in JSON, as in ["one", "two"] (found \'/data\')',
        ),
        ("SEQHUB_API__OPEN_TO", '["x"]', "must be a network or an address"),
        ("DATABASE_URL", "mysql://h/d", "must be a PostgreSQL address"),
    ],
)
def test_a_mistake_in_a_variable_names_the_variable(
    name: str,
    value: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        read("", monkeypatch, tmp_path)
    assert str(caught.value).startswith(f"${name}: {expected}")


def test_a_password_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "database: 'postgresql://seqhub:hunter2@db/x'"
    [line] = mistakes(text, monkeypatch, tmp_path)
    assert "hunter2" not in line
    assert "//...@db" in line


def test_a_file_that_cannot_be_read_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "seqhub.yaml"
    file.write_bytes(b"host: \xff\n")
    monkeypatch.setenv("SEQHUB_CONFIG", str(file))
    with pytest.raises(ConfigError, match="can't be read: it is not UTF-8 text"):
        load_config()


def test_a_byte_order_mark_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert read("\ufeffhost: a", monkeypatch, tmp_path).host == "a"


def test_the_configuration_is_frozen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = read("", monkeypatch, tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        config.host = "other"  # type: ignore[misc]
