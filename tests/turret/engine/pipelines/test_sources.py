from __future__ import annotations

import pytest

from turret.engine.pipelines.sources import Source, check_revision, resolve


@pytest.mark.parametrize(
    ("typed", "source"),
    [
        (
            "nf-core/rnaseq",
            Source("git", "https://github.com/nf-core/rnaseq", "nf-core/rnaseq", ""),
        ),
        (
            " nf-core/rnaseq@3.14.0 ",
            Source(
                "git", "https://github.com/nf-core/rnaseq", "nf-core/rnaseq", "3.14.0"
            ),
        ),
        (
            "org/repo.git@feature/x#1",
            Source("git", "https://github.com/org/repo", "org/repo", "feature/x#1"),
        ),
        (
            "gitlab:group/sub/repo@v1",
            Source("git", "https://gitlab.com/group/sub/repo", "group/sub/repo", "v1"),
        ),
        (
            "bitbucket:org/repo",
            Source("git", "https://bitbucket.org/org/repo", "org/repo", ""),
        ),
        (
            "https://git.example.org:8443/a/b/repo.git",
            Source("git", "https://git.example.org:8443/a/b/repo.git", "a/b/repo", ""),
        ),
        (
            "https://me@example.org/org/repo/@main",
            Source("git", "https://me@example.org/org/repo", "org/repo", "main"),
        ),
        (
            "ssh://git@example.org:2222/org/repo.git@1.0",
            Source("git", "ssh://git@example.org:2222/org/repo.git", "org/repo", "1.0"),
        ),
        (
            "git@github.com:org/repo.git@dev",
            Source("git", "git@github.com:org/repo.git", "org/repo", "dev"),
        ),
        (
            "http://[::1]:8000/~me/repo",
            Source("git", "http://[::1]:8000/~me/repo", "~me/repo", ""),
        ),
        (
            "file:///srv/git/repo.git@main",
            Source("git", "file:///srv/git/repo.git", "repo", "main"),
        ),
        (
            "/data/pipelines/../my pipe@line/",
            Source("local", "/data/my pipe@line", "my pipe@line", ""),
        ),
        ("/", Source("local", "/", "/", "")),
    ],
)
def test_sources_are_resolved(typed: str, source: Source) -> None:
    assert resolve(typed) == source


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "-",
        "-x/y",
        "--upload-pack=touch x",
        "-c/repo",
        "org/-repo",
        "hello",
        "./here",
        "../here",
        "~/here",
        "org/../..",
        "org/repo/more",
        "org//repo",
        "org/repo with space",
        "org/repo\nx",
        "org/repo;id",
        "org/$(id)",
        "`id`/x",
        "gitea:org/repo",
        "ext::sh -c id",
        "ext::sh",
        "git://example.org/repo",
        "ftp://example.org/repo",
        "https://",
        "https:///org/repo",
        "https://example.org/../x",
        "https://-x/org/repo",
        "https://example.org/-x",
        "ssh://-oProxyCommand=id/x",
        "ssh://git@-oProxyCommand=id/x",
        "git@-host:org/repo",
        "git@host:-x",
        "file://relative",
        "file:///a/../b",
        "https://me:secret@example.org/org/repo",
        "/data/a\0b",
        "/data/a\nb",
        "org/repo@-x",
        "org/repo@a b",
        "org/" + "x" * 1_000,
        "a/" * 100_000,
    ],
    ids=lambda typed: repr(typed[:30]),
)
def test_what_is_no_source_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refusal:
        resolve(typed)
    message = str(refusal.value)
    assert "\n" not in message
    assert len(message) < 500
    assert "secret" not in message


@pytest.mark.parametrize(
    "revision",
    ["main", "3.14.0", "v1.0-rc+1", "feature/x_y", "fix/#12", "a" * 40, "é", "x@y"],
)
def test_revisions_are_taken(revision: str) -> None:
    assert check_revision(f" {revision} ") == revision


@pytest.mark.parametrize(
    "revision",
    [
        *("-x", "--upload-pack=id", "+main", ":main", "a:b", "a b", "a..b", "a/"),
        *("main;id", "$(id)", "`id`", "a|b", "a&b", "a>b", "a'b", 'a"b', "a\\b"),
        *("a\nb", "a\0b", "a*", "a?", "a[b", "a~1", "a^", "a@{1}", "x.lock", "x" * 256),
    ],
    ids=lambda revision: repr(revision[:20]),
)
def test_a_revision_that_git_or_a_shell_might_read_is_refused(revision: str) -> None:
    with pytest.raises(ValueError, match=r"^(must be|is longer)"):
        check_revision(revision)


def test_no_revision_is_the_default() -> None:
    assert check_revision("  ") == ""
