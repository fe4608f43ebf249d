from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archiving.engine.exclusion import Exclusions
from archiving.engine.findings import Fault, Finding
from archiving.engine.source import compare_source

from .trees import make_socket, make_tree, scan, tar

NOTHING = Exclusions([])


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """With directories whose names begin with each other's."""
    run = tmp_path / "RUN"
    for name in ("a", "a.b", "a b"):
        (run / name).mkdir(parents=True)
        (run / name / "x").write_bytes(b"12345")
    (run / "file").write_bytes(b"12345")
    (run / "file again").hardlink_to(run / "file")
    (run / "link").symlink_to("a")
    for path in [*run.rglob("*"), run]:
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    return run


def _compare(
    run: Path, change: Callable[[Path], object], *, deep: bool = False
) -> list[Finding]:
    members = scan(tar(run))
    change(run)
    return list(compare_source(run, iter(members), NOTHING, deep=deep))


def _keeping_mtime(path: Path, change: Callable[[], object]) -> None:
    before = path.lstat().st_mtime_ns
    change()
    os.utime(path, ns=(before, before), follow_symlinks=False)


@pytest.mark.parametrize("deep", [False, True])
def test_an_untouched_folder_has_no_findings(tmp_path: Path, deep: bool) -> None:
    run = make_tree(tmp_path)
    members = iter(scan(tar(run, "--exclude=a.b", "--exclude=empty")))
    exclusions = Exclusions(["a.b", "empty"])

    assert not list(compare_source(run, members, exclusions, deep=deep))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: (run / "file").chmod(0o600), "permissions are 0600, were 0644"),
        (
            lambda run: os.utime(run / "a" / "x", (1, 1)),
            "RUN/a/x mtime is 1970-01-01 00:00:01 UTC, was 2020-09-13 12:26:40 UTC",
        ),
        (lambda run: (run / "a" / "x").write_bytes(b"1"), "has 1 bytes, had 5"),
        (
            lambda run: ((run / "link").unlink(), (run / "link").symlink_to("b")),
            "points to b, pointed to a",
        ),
        (
            lambda run: ((run / "a" / "x").unlink(), (run / "a" / "x").mkdir()),
            "is a directory, was a file",
        ),
        (
            lambda run: (
                (run / "file again").unlink(),
                (run / "file again").write_bytes(b"12345"),
            ),
            "RUN/file again is a file, was another name of a file",
        ),
    ],
)
def test_a_change_is_told(
    run: Path, change: Callable[[Path], object], message: str
) -> None:
    findings = _compare(run, change)

    assert {finding.fault for finding in findings} == {Fault.SOURCE_CHANGED}
    assert message in " ".join(finding.message for finding in findings)


def test_changed_content_of_the_same_size_and_time_is_found_by_reading(
    run: Path,
) -> None:
    path = run / "a" / "x"

    def change(_: Path) -> None:
        _keeping_mtime(path, lambda: path.write_bytes(b"54321"))

    assert not _compare(run, lambda _: None, deep=True)
    members = scan(tar(run))
    change(run)
    shallow = list(compare_source(run, iter(members), NOTHING, deep=False))
    deep = list(compare_source(run, iter(members), NOTHING, deep=True))

    assert not shallow
    assert deep == [
        Finding(Fault.SOURCE_CHANGED, "RUN/a/x has another content", "RUN/a/x")
    ]


@pytest.mark.parametrize("gone", ["a/x", "a b/x", "a.b/x", "file again", "link"])
def test_what_is_gone_is_missing_and_its_directory_changed(
    run: Path, gone: str
) -> None:
    findings = _compare(run, lambda run: (run / gone).unlink())

    above = str(Path("RUN", gone).parent)
    assert [(finding.fault, finding.name) for finding in findings] == [
        (Fault.SOURCE_CHANGED, above),
        (Fault.SOURCE_MISSING, f"RUN/{gone}"),
    ]


@pytest.mark.parametrize("new", ["a!", "a/w", "a/y", "a.b/y", "a.b.c", "0", "zzz"])
def test_what_was_not_sealed_is_extra(run: Path, new: str) -> None:
    path = run / new
    findings = _compare(
        run, lambda _: _keeping_mtime(path.parent, lambda: path.write_bytes(b"new"))
    )

    assert findings == [
        Finding(Fault.SOURCE_EXTRA, f"RUN/{new} was not sealed", f"RUN/{new}")
    ]


def test_a_new_name_of_a_sealed_file_is_extra_only(run: Path) -> None:
    findings = _compare(
        run,
        lambda run: _keeping_mtime(
            run, lambda: (run / "earlier").hardlink_to(run / "file")
        ),
    )

    assert [finding.fault for finding in findings] == [Fault.SOURCE_EXTRA]


def test_all_of_a_directory_that_is_gone_is_missing(run: Path) -> None:
    def change(run: Path) -> None:
        (run / "a" / "x").unlink()
        _keeping_mtime(run, (run / "a").rmdir)

    assert [finding.name for finding in _compare(run, change)] == ["RUN/a", "RUN/a/x"]


def test_a_socket_that_came_later_does_not_matter(run: Path) -> None:
    change = make_socket

    assert not _compare(
        run, lambda run: _keeping_mtime(run, lambda: change(run / "control"))
    )


def test_a_folder_that_is_gone_is_one_finding(run: Path) -> None:
    findings = _compare(run, lambda run: run.rename(run.with_name("moved")))

    assert findings == [
        Finding(Fault.SOURCE_MISSING, f"{run} is not there any more", "RUN")
    ]


def test_it_tells_how_far_it_is(run: Path) -> None:
    for index in range(1200):
        (run / f"{index:04}").write_bytes(b"12")
    with (run / "big").open("wb") as file:
        file.truncate(3 << 20)
    ticks: list[tuple[int, int]] = []

    findings = list(
        compare_source(
            run,
            iter(scan(tar(run))),
            NOTHING,
            deep=True,
            tick=lambda *seen: ticks.append(seen),
        )
    )

    assert not findings
    assert [entries for entries, _ in ticks] == [1000, 1208, 1208, 1208]
    assert ticks[-1][1] == 1200 * 2 + 3 * 5 + (3 << 20)
