from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.turret.engine.pipelines.repositories import CONFIG, Origin, git
from turret.engine.pipelines import cache
from turret.engine.pipelines.git import RepositoryError
from turret.engine.pipelines.refs import Refs, parse_refs
from turret.engine.pipelines.repository import Repository
from turret.engine.pipelines.sources import Source, resolve

NAMES = ["nextflow.config", "README.md", "assets/schema_input.json", "nothing"]


def source_of(origin: Origin) -> Source:
    return resolve(origin.url)


def readme(repository: Repository, source: Source, revision: str = "") -> str | None:
    return repository.read(source, revision, ["README.md"])["README.md"]


def test_files_of_the_default_branch_are_read(
    origin: Origin, repository: Repository
) -> None:
    assert repository.read(source_of(origin), "", NAMES) == {
        "nextflow.config": CONFIG,
        "README.md": "two",
        "assets/schema_input.json": "{}",
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("revision", "text"), [("1.0", "one"), ("main", "two"), ("dev", "three")]
)
def test_files_of_a_revision_are_read(
    origin: Origin, repository: Repository, revision: str, text: str
) -> None:
    assert readme(repository, source_of(origin), revision) == text
    assert readme(repository, resolve(f"{origin.url}@{revision}")) == text


def test_a_tag_with_a_message_is_read(origin: Origin, repository: Repository) -> None:
    git(origin.checkout, "tag", "--annotate", "--message", "x", "2.0")
    git(origin.checkout, "push", "--quiet", "origin", "2.0")
    assert readme(repository, source_of(origin), "2.0") == "three"


def test_a_commit_is_read_also_when_no_branch_leads_there(
    origin: Origin, repository: Repository
) -> None:
    commit = origin.commit({"README.md": "by its id"}, "refs/heads/main")
    origin.commit({"README.md": "later"}, "refs/heads/main")
    assert readme(repository, source_of(origin), commit) == "by its id"


def test_a_commit_that_was_read_is_not_fetched_again(
    origin: Origin, repository: Repository
) -> None:
    commit = git(origin.checkout, "rev-parse", "HEAD")
    assert readme(repository, source_of(origin), commit) == "three"
    shutil.rmtree(origin.bare)
    assert readme(repository, source_of(origin), commit) == "three"


def test_a_branch_is_looked_up_again_after_a_while(
    origin: Origin, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert readme(repository, source_of(origin), "dev") == "three"
    origin.commit({"README.md": "four"}, "refs/heads/dev")
    assert readme(repository, source_of(origin), "dev") == "three"
    monkeypatch.setattr(cache, "FRESH_S", 0)
    assert readme(repository, source_of(origin), "dev") == "four"


def test_a_history_that_was_rewritten_is_read(
    origin: Origin, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "FRESH_S", 0)
    assert readme(repository, source_of(origin)) == "two"
    git(origin.checkout, "checkout", "--quiet", "--orphan", "other")
    origin.commit({"README.md": "anew"}, "refs/heads/main")
    assert readme(repository, source_of(origin)) == "anew"


def test_what_a_killed_fetch_left_is_in_nobodys_way(
    origin: Origin, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "FRESH_S", 0)
    readme(repository, source_of(origin))
    [objects] = repository.cache_dir.glob("*/repository.git")
    (objects / "shallow.lock").touch()
    origin.commit({"README.md": "after"}, "refs/heads/main")
    assert readme(repository, source_of(origin)) == "after"


def test_the_cache_is_for_its_owner_only(
    origin: Origin, repository: Repository
) -> None:
    readme(repository, source_of(origin))
    [place] = (path for path in repository.cache_dir.iterdir() if path.is_dir())
    assert place.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../origin/x", "assets/../../x", "a\0b", "", ".", "-x"]
)
@pytest.mark.parametrize("kind", ["git", "local"])
def test_names_outside_of_the_repository_have_no_text(
    origin: Origin, repository: Repository, name: str, kind: str
) -> None:
    source = source_of(origin) if kind == "git" else resolve(str(origin.checkout))
    assert repository.read(source, "", [name]) == {name: None}


def test_directories_and_links_have_no_text(
    origin: Origin, repository: Repository
) -> None:
    (origin.checkout / "link").symlink_to("/etc/passwd")
    origin.commit({"x": "x"}, "refs/heads/main")
    found = repository.read(source_of(origin), "main", ["assets", "link", "x"])
    assert found == {"assets": None, "link": None, "x": "x"}


def test_a_large_file_is_cut_and_other_bytes_are_replaced(
    origin: Origin, repository: Repository
) -> None:
    (origin.checkout / "latin").write_bytes(b"caf\xe9")
    origin.commit({"large": "x" * 10_000_000}, "refs/heads/main")
    for source in (source_of(origin), resolve(str(origin.checkout))):
        found = repository.read(source, "", ["large", "latin"])
        assert found["latin"] == "caf\ufffd"
        assert len(found["large"] or "") == cache.MOST_BYTES


def test_a_checkout_is_read_as_it_stands(
    origin: Origin, repository: Repository
) -> None:
    (origin.checkout / "README.md").write_text("not committed")
    source = resolve(str(origin.checkout))
    assert readme(repository, source) == "not committed"
    assert not repository.cache_dir.exists()


def test_a_revision_of_a_checkout_is_read(
    origin: Origin, repository: Repository
) -> None:
    git(origin.checkout, "tag", "here")
    (origin.checkout / "README.md").write_text("not committed")
    assert readme(repository, resolve(str(origin.checkout)), "here") == "three"


def test_plain_files_are_read(tmp_path: Path, repository: Repository) -> None:
    place = tmp_path / "plain files"
    place.mkdir()
    (place / "README.md").write_text("plain")
    (place / "inside").symlink_to("README.md")
    (tmp_path / "secret").write_text("x")
    (place / "outside").symlink_to(tmp_path / "secret")
    source = resolve(str(place))
    assert repository.read(source, "", ["README.md", "inside", "outside"]) == {
        "README.md": "plain",
        "inside": "plain",
        "outside": None,
    }
    assert repository.refs(source) == Refs()
    with pytest.raises(RepositoryError) as refusal:
        repository.read(source, "main", ["README.md"])
    assert refusal.value.kind == "missing"


def test_branches_and_tags_are_listed(origin: Origin, repository: Repository) -> None:
    refs = ["1.9", "1.10", "1.10-rc1", "v2.0", "a;b"]
    origin.commit({"x": "x"}, *(f"refs/tags/{name}" for name in refs))
    git(origin.checkout, "tag", "--annotate", "--message", "x", "1.5")
    git(origin.checkout, "push", "--quiet", "origin", "1.5")
    found = repository.refs(source_of(origin))
    assert found.branches == ("main", "dev")
    assert found.default == "main"
    assert found.tags == ("v2.0", "1.10", "1.10-rc1", "1.9", "1.5", "1.0")
    local = repository.refs(resolve(str(origin.checkout)))
    assert local.default in local.branches


def test_an_empty_repository_has_no_refs(
    tmp_path: Path, repository: Repository
) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    source = resolve(str(tmp_path / "empty.git"))
    assert repository.refs(source) == Refs()
    with pytest.raises(RepositoryError) as refusal:
        repository.read(resolve((tmp_path / "empty.git").as_uri()), "", NAMES)
    assert refusal.value.kind == "unknown"


def test_lists_of_refs_that_are_none_are_empty() -> None:
    assert parse_refs("\n\tHEAD\nx\nref: \tHEAD\nab refs/heads/x\n") == Refs()


@pytest.mark.parametrize("revision", ["", "1.0", "dev"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_clone_has_the_revision(
    tmp_path: Path,
    origin: Origin,
    repository: Repository,
    revision: str,
    is_there: bool,
) -> None:
    target = tmp_path / "clones" / "pipe"
    target.parent.mkdir()
    if is_there:
        target.mkdir()
    repository.clone(source_of(origin), revision, target)
    text = {"": "two", "1.0": "one", "dev": "three"}[revision]
    assert (target / "README.md").read_text() == text
    assert git(target, "remote", "get-url", "origin") == origin.url
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert [path.name for path in target.parent.iterdir()] == ["pipe"]


def with_file(target: Path) -> None:
    target.mkdir()
    (target / "mine").touch()


@pytest.mark.parametrize("occupy", [with_file, Path.touch])
def test_a_clone_replaces_nothing(
    tmp_path: Path,
    origin: Origin,
    repository: Repository,
    occupy: Callable[[Path], None],
) -> None:
    target = tmp_path / "target"
    occupy(target)
    before = target.stat()
    with pytest.raises(FileExistsError, match="is not empty"):
        repository.clone(source_of(origin), "", target)
    assert target.stat() == before


def test_a_clone_that_fails_leaves_nothing(
    tmp_path: Path, origin: Origin, repository: Repository
) -> None:
    place = tmp_path / "clones"
    place.mkdir()
    with pytest.raises(RepositoryError) as refusal:
        repository.clone(source_of(origin), "no-such", place / "pipe")
    assert refusal.value.kind == "unknown"
    assert list(place.iterdir()) == []
    with pytest.raises(RepositoryError, match="can't be written") as refusal:
        repository.clone(source_of(origin), "", tmp_path / "nowhere" / "pipe")
    assert refusal.value.kind == "broken"
