"""Repositories that can't be read: each ends in time, with a reason."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from seqhub.lib import processes
from seqhub.lib.files import locked
from tests.needs import need
from tests.turret.engine.pipelines.repositories import (
    PASSWORD,
    USER,
    Origin,
    served,
)
from turret.engine.pipelines.git import Git, RepositoryError
from turret.engine.pipelines.repository import Repository
from turret.engine.pipelines.sources import Source, resolve


@pytest.fixture
def address(origin: Origin) -> Iterator[str]:
    with served(origin.bare.parent) as address:
        yield address


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes every call and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/org/repo"


def refused(repository: Repository, source: Source, revision: str = "") -> str:
    """The kind of the error, and that its message is one clear line."""
    with pytest.raises(RepositoryError) as refusal:
        repository.read(source, revision, ["README.md"])
    message = refusal.value.message
    assert "\n" not in message
    assert message.endswith(".")
    return refusal.value.kind


def test_a_repository_is_read_over_http(address: str, repository: Repository) -> None:
    source = resolve(f"{address}/pipe.git")
    assert repository.read(source, "", ["README.md"]) == {"README.md": "two"}
    assert repository.read(source, "1.0", ["README.md"]) == {"README.md": "one"}
    assert repository.refs(source).branches == ("main", "dev")


def test_a_commit_is_read_over_http(
    address: str, origin: Origin, repository: Repository
) -> None:
    commit = origin.commit({"README.md": "x"}, "refs/heads/main")
    source = resolve(f"{address}/pipe.git@{commit}")
    assert repository.read(source, "", ["README.md"]) == {"README.md": "x"}


@pytest.mark.parametrize("revision", ["no-such", "0" * 40, "0" * 7])
def test_a_revision_that_is_not_there_is_named(
    address: str, origin: Origin, repository: Repository, revision: str
) -> None:
    for url in (f"{address}/pipe.git", origin.url):
        assert refused(repository, resolve(url), revision) == "unknown"


@pytest.mark.parametrize(
    "revision", ["--upload-pack=touch made", "x; touch made", "$(touch made)", "-x"]
)
def test_a_revision_is_never_run(
    tmp_path: Path,
    origin: Origin,
    repository: Repository,
    revision: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(repository, resolve(origin.url), revision) == "unknown"
    assert not list(tmp_path.rglob("made"))


def test_a_repository_that_is_not_there_is_named(
    tmp_path: Path, address: str, repository: Repository
) -> None:
    for typed in (
        f"{address}/nothing.git",
        (tmp_path / "nothing").as_uri(),
        str(tmp_path / "nothing"),
    ):
        assert refused(repository, resolve(typed)) == "missing"
        with pytest.raises(RepositoryError):
            repository.refs(resolve(typed))


def test_a_password_is_asked_of_nobody(address: str, repository: Repository) -> None:
    source = resolve(f"{address}/private/pipe.git")
    assert refused(repository, source) == "password"
    with pytest.raises(RepositoryError) as refusal:
        repository.refs(source)
    assert refusal.value.kind == "password"


def test_a_credential_helper_is_asked(
    tmp_path: Path,
    address: str,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = address.removeprefix("http://")
    (tmp_path / ".gitconfig").write_text("[credential]\nhelper = store\n")
    known = tmp_path / ".git-credentials"
    known.write_text(f"http://{USER}:{PASSWORD}@{server}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    source = resolve(f"{address}/private/pipe.git")
    assert repository.read(source, "1.0", ["README.md"]) == {"README.md": "one"}
    known.write_text(f"http://{USER}:wrong@{server}\n")
    assert refused(repository, source, "dev") == "password"


# In place of a server of ssh: git's part of it, on this machine.
SSH = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
for command; do :; done
exec sh -c "$command"
"""


def test_a_repository_is_read_over_ssh(
    tmp_path: Path,
    origin: Origin,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    for typed in (
        f"git@host.example:{origin.bare}",
        f"ssh://host.example{origin.bare}",
    ):
        found = repository.read(resolve(typed), "", ["README.md"])
        assert found == {"README.md": "two"}
    assert "BatchMode=yes" in (tmp_path / "asked").read_text()


def test_a_repository_that_hangs_is_given_up(tmp_path: Path, silent: str) -> None:
    repository = Repository(tmp_path / "cache", limit_s=1)
    assert refused(repository, resolve(silent)) == "timeout"
    for process in processes.descendants(os.getpid()):
        with suppress(OSError):  # it has ended meanwhile
            argv = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert silent.encode() not in argv


def test_a_clone_that_hangs_leaves_nothing(tmp_path: Path, silent: str) -> None:
    repository = Repository(tmp_path / "cache", limit_s=0.5)
    place = tmp_path / "clones"
    place.mkdir()
    with pytest.raises(RepositoryError) as refusal:
        repository.clone(resolve(silent), "", place / "pipe")
    assert refusal.value.kind == "timeout"
    assert list(place.iterdir()) == []


def test_nobody_waits_for_ever_for_somebody_else(
    tmp_path: Path, origin: Origin
) -> None:
    Repository(tmp_path / "cache").read(resolve(origin.url), "", [])
    [place] = (tmp_path / "cache").glob("*/")
    repository = Repository(tmp_path / "cache", limit_s=0.2)
    with locked(place / "lock"):
        assert refused(repository, resolve(origin.url), "dev") == "timeout"


def test_several_read_at_once(origin: Origin, repository: Repository) -> None:
    found: list[str | None] = []

    def read(revision: str) -> None:
        texts = repository.read(resolve(origin.url), revision, ["README.md"])
        found.append(texts["README.md"])

    revisions = ["main", "dev", "1.0", "main"]
    threads = [threading.Thread(target=read, args=[name]) for name in revisions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(filter(None, found)) == ["one", "three", "two", "two"]


def test_a_server_that_is_not_there_is_named(repository: Repository) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert refused(repository, resolve(f"http://127.0.0.1:{port}/a/b")) == "broken"


def test_a_cache_that_can_not_be_written_is_named(
    tmp_path: Path, origin: Origin
) -> None:
    (tmp_path / "file").touch()
    repository = Repository(tmp_path / "file" / "cache")
    assert refused(repository, resolve(origin.url)) == "broken"


@pytest.mark.parametrize("programs", [[], ["setpriv"], ["setpriv", "prlimit"]])
def test_without_git_the_reason_is_told(
    tmp_path: Path,
    origin: Origin,
    repository: Repository,
    programs: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    for name in programs:
        (path / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(path))
    with pytest.raises(RepositoryError, match="apt install git") as refusal:
        repository.read(resolve(origin.url), "", [])
    assert refusal.value.kind == "broken"


@pytest.mark.parametrize("url", ["ext::sh -c id", "git://127.0.0.1/x", "fd::17"])
def test_other_protocols_are_not_spoken(url: str) -> None:
    # Sources of this kind are refused before; git refuses them as well.
    with pytest.raises(RepositoryError, match="not allowed"):
        Git(url, 10).run("ls-remote", "--", url)


def test_only_what_git_needs_of_our_environment_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "bin" / "git"
    spy.parent.mkdir()
    spy.write_text("#!/bin/sh\nenv\n")
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SEQHUB_SECRET_KEY", "secret")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    said = Git("x", 10).run("version").decode()
    assert "secret" not in said
    assert "GIT_DIR" not in said
    assert "GIT_TERMINAL_PROMPT=0" in said
    assert "BatchMode=yes" in said


def test_a_repository_of_another_user_is_named_with_what_to_do(
    origin: Origin, repository: Repository
) -> None:
    need(os.getuid() == 0, "needs root, to give a repository away")
    os.chown(origin.bare, 65_534, 65_534)
    with pytest.raises(RepositoryError, match=r"safe\.directory"):
        repository.read(resolve(origin.url), "", [])
