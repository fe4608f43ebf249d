"""Checkouts that launches run, and what the cache holds for them."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from seqhub.lib.files import locked
from tests.turret.engine.pipelines.repositories import Origin, git, made, served
from turret.engine.pipelines.cache import LOCK
from turret.engine.pipelines.git import RepositoryError
from turret.engine.pipelines.repository import Repository
from turret.engine.pipelines.sources import resolve
from turret.engine.pipelines.tidying import partial_of, tidy

CLONE = """\
import sys
from pathlib import Path
from turret.engine.pipelines.repository import Repository
from turret.engine.pipelines.sources import resolve
Repository(Path(sys.argv[1])).clone(resolve(sys.argv[2]), "", Path(sys.argv[3]))
"""


def test_files_are_as_in_the_commit(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    tool = origin.checkout / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (origin.checkout / "away").symlink_to("/etc/passwd")
    commit = origin.commit({"x": "x"}, "refs/heads/main")
    target = tmp_path / "a" / "pipe"
    assert repository.check_out(resolve(origin.url), "main", target) == commit
    assert os.access(target / "bin" / "tool", os.X_OK)
    assert (target / "away").readlink() == Path("/etc/passwd")
    assert git(target, "status", "--porcelain") == ""


def test_another_revision_touches_only_what_differs(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    source, target = resolve(origin.url), tmp_path / "pipe"
    first = repository.check_out(source, "main", target)
    (target / "results").write_text("kept")
    before = (target / "nextflow.config").stat()
    second = repository.check_out(source, "dev", target)
    assert first != second
    assert (target / "README.md").read_text() == "three"
    assert (target / "results").read_text() == "kept"
    after = (target / "nextflow.config").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_a_killed_one_has_left_is_mended(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    source, target = resolve(origin.url), tmp_path / "pipe"
    repository.check_out(source, "1.0", target)
    for name in ("index.lock", "shallow.lock", "HEAD.lock", "config.lock"):
        (target / ".git" / name).touch()
    (target / "nextflow.config").unlink()
    (target / "README.md").write_text("ha")
    repository.check_out(source, "main", target)
    assert git(target, "status", "--porcelain") == ""
    assert (target / "README.md").read_text() == "two"


def test_a_branch_is_looked_up_now(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    source = resolve(origin.url)
    repository.read(source, "main", [])
    commit = origin.commit({"README.md": "new"}, "refs/heads/main")
    assert repository.check_out(source, "main", tmp_path / "pipe") == commit


def test_a_commit_that_was_read_needs_its_repository_no_more(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    source = resolve(origin.url)
    commit = repository.check_out(source, "main", tmp_path / "one")
    shutil.rmtree(origin.bare)
    repository.check_out(source, commit, tmp_path / "two")
    assert (tmp_path / "two" / "README.md").read_text() == "two"


@pytest.mark.parametrize("over_http", [False, True])
def test_submodules_come_along(
    tmp_path: Path, origin: Origin, repository: Repository, over_http: bool
) -> None:
    inner = made(tmp_path / "inner")
    shutil.move(inner.bare, origin.bare.with_name("inner.git"))
    git(
        origin.checkout,
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add"),
        *("--", "../inner.git", "modules/inner"),
    )
    origin.commit({"x": "x"}, "refs/heads/main")
    with served(origin.bare.parent) as address:
        url = f"{address}/pipe.git" if over_http else origin.url
        repository.check_out(resolve(url), "main", tmp_path / "pipe")
    readme = tmp_path / "pipe" / "modules" / "inner" / "README.md"
    assert readme.read_text() == "two"


@pytest.mark.parametrize("kind", ["ext", "file", "option"])
def test_submodules_run_nothing_and_read_nothing_of_this_disk(
    tmp_path: Path, origin: Origin, repository: Repository, kind: str
) -> None:
    secret = made(tmp_path / "secret")
    marker = tmp_path / "was run"
    url = {
        "ext": f"ext::touch {str(marker).replace(' ', '% ')}",
        "file": secret.url,
        "option": f"--upload-pack=touch '{marker}'",
    }[kind]
    commit = git(secret.checkout, "rev-parse", "HEAD")
    cached = f"160000,{commit},inner"
    git(origin.checkout, "update-index", "--add", "--cacheinfo", cached)
    modules = f'[submodule "inner"]\n\tpath = inner\n\turl = "{url}"\n'
    (origin.checkout / ".gitmodules").write_text(modules)
    git(origin.checkout, "add", ".gitmodules")
    git(origin.checkout, "commit", "--quiet", "--message", "x")
    git(origin.checkout, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    with served(origin.bare.parent) as address:
        source = resolve(f"{address}/pipe.git")
        with pytest.raises(RepositoryError):
            repository.check_out(source, "main", tmp_path / "pipe")
    assert not marker.exists()
    assert not list((tmp_path / "pipe").glob("inner/*"))


def test_nothing_of_a_repository_here_is_run(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    marker = tmp_path / "was run"
    touch = tmp_path / "touch.sh"
    touch.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    touch.chmod(0o755)
    for place in (origin.bare, origin.checkout):
        for name, value in (
            ("core.fsmonitor", touch),
            ("core.hooksPath", tmp_path / "hooks"),
            ("core.sshCommand", touch),
            ("uploadpack.packObjectsHook", touch),
            ("filter.x.smudge", touch),
            ("alias.upload-pack", f"!{touch}"),
        ):
            git(place, "config", name, str(value))
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-index-change", "reference-transaction"):
        shutil.copy(touch, hooks / name)
    (origin.checkout / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    git(origin.checkout, "add", ".gitattributes")
    git(origin.checkout, "-c", "core.hooksPath=/", "commit", "--quiet", "-m", "x")
    git(origin.checkout, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    marker.unlink(missing_ok=True)
    source = resolve(origin.url)
    repository.refs(resolve(str(origin.checkout)))
    repository.read(resolve(str(origin.checkout)), "HEAD", ["README.md"])
    repository.read(source, "main", ["README.md"])
    repository.check_out(source, "main", tmp_path / "pipe")
    repository.clone(source, "main", tmp_path / "clone")
    assert not marker.exists()


@pytest.mark.parametrize("length", [7, 12, 39])
def test_a_commit_may_be_cut_short(
    tmp_path: Path, origin: Origin, repository: Repository, length: int
) -> None:
    commit = origin.commit({"README.md": "old"}, "refs/heads/main")
    origin.commit({"README.md": "new"}, "refs/heads/main")
    source, short = resolve(origin.url), commit[:length]
    assert repository.read(source, short, ["README.md"]) == {"README.md": "old"}
    assert repository.check_out(source, short, tmp_path / "pipe") == commit
    origin.commit({"README.md": "a branch"}, f"refs/heads/{'beef' * 3}")
    found = repository.read(source, "beef" * 3, ["README.md"])
    assert found == {"README.md": "a branch"}


def test_a_short_commit_that_is_none_is_named(
    origin: Origin, repository: Repository
) -> None:
    with pytest.raises(RepositoryError, match="no commit begins with") as refusal:
        repository.read(resolve(origin.url), "0123456", [])
    assert refusal.value.kind == "unknown"


def test_what_nobody_uses_is_dropped(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    others = [made(tmp_path / name) for name in ("a", "b")]
    for number, one in enumerate((origin, *others)):
        repository.read(resolve(one.url), "", [])
        time.sleep(0.01 * number)
    places = sorted(repository.cache_dir.glob("*/repository.git"), key=_used)
    old = time.time() - 1000
    os.utime(places[0].parent, (old, old))
    tidy(repository.cache_dir, keep_s=500)
    assert [place.exists() for place in places] == [False, True, True]
    files = [path for path in places[2].parent.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    tidy(repository.cache_dir, most=size * 3 // 2)
    assert [place.exists() for place in places] == [False, False, True]
    with locked(repository.cache_dir / LOCK, exclusive=False):
        tidy(repository.cache_dir, most=0)
    assert places[2].exists()
    tidy(repository.cache_dir, most=0)
    assert [path.name for path in repository.cache_dir.iterdir()] == [LOCK]
    repository.read(resolve(origin.url), "", ["README.md"])


def _used(place: Path) -> float:
    return place.parent.stat().st_mtime


def test_what_was_half_dropped_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "ab.dropped.0123" / "repository.git").mkdir(parents=True)
    tidy(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    tidy(tmp_path / "nothing")


def test_what_is_read_meanwhile_stays(origin: Origin, repository: Repository) -> None:
    source = resolve(origin.url)
    reading = threading.Event()

    def read() -> None:
        while not reading.is_set():
            repository.read(source, "main", ["README.md"])

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(10):
            tidy(repository.cache_dir, most=0)
            assert repository.read(source, "main", ["README.md"])["README.md"] == "two"
    finally:
        reading.set()
        thread.join()


def test_what_a_killed_clone_has_left_is_cleared(tmp_path: Path) -> None:
    """Also while its git was still at it: that ends with it."""
    place, target = tmp_path / "cache", tmp_path / "clones" / "pipe"
    target.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/org/repo"
        process = subprocess.Popen([sys.executable, "-c", CLONE, place, url, target])
        server.accept()
        tidy(place)
        assert len(list(target.parent.iterdir())) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 20
        while url in _command_lines():
            assert time.monotonic() < deadline, "its git goes on"
            time.sleep(0.05)
        tidy(place)
    assert list(target.parent.iterdir()) == []
    assert list((place / "clones").iterdir()) == []


def _command_lines() -> str:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            lines.append(path.read_text(errors="replace"))
    return "\n".join(lines)


def test_a_clone_waits_for_who_looks_at_its_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "cache" / "clones" / "note"
    note.parent.mkdir(parents=True)
    monkeypatch.setattr(secrets, "token_hex", lambda _: "note")
    begun = threading.Event()

    def clone() -> None:
        with partial_of(tmp_path / "pipe", tmp_path / "cache"):
            begun.set()

    thread = threading.Thread(target=clone)
    with locked(note):
        thread.start()
        assert not begun.wait(0.3)
    thread.join()
    assert begun.is_set()


def test_a_note_of_something_else_clears_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    notes = tmp_path / "cache" / "clones"
    notes.mkdir(parents=True)
    (notes / "odd").write_text(str(tmp_path / "kept"))
    tidy(tmp_path / "cache")
    assert (tmp_path / "kept").is_dir()
