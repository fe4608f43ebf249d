from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiving.engine.exclusion import Exclusions

from .trees import tar

NAMES = [
    "Thumbnail_Images/L001/x.jpg",
    "Thumbnail_Images/y.JPG",
    "Data/Intensities/L001/C1.1/s_1.cif",
    "Data/Intensities/BaseCalls/L001/s_1.bcl",
    "Data/Thumbnail_Images",
    "Data/.hidden/a",
    "a/b/a/b",
    "a/ab",
    "b[a]",
    "b*",
    "b\\",
    "b\\a",
    "b?",
    "-b",
    "a b",
    "line\nfeed",
    "kött",
    "\udce5",
]


Kept = Callable[..., frozenset[bytes]]


@pytest.fixture(scope="module")
def kept_by_tar(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    run = tmp_path_factory.mktemp("exclusion") / "RUN"
    for name in NAMES:
        path = run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def kept(*patterns: str) -> frozenset[bytes]:
        stream = tar(run, *(f"--exclude={pattern}" for pattern in patterns))
        # The standard library's reader: ours is not what is tested here.
        with tarfile.open(fileobj=io.BytesIO(stream), errors="surrogateescape") as file:
            return frozenset(map(os.fsencode, file.getnames()))

    return kept


def _kept(everything: frozenset[bytes], *patterns: str) -> frozenset[bytes]:
    exclusions = Exclusions(patterns)
    return frozenset(name for name in everything if not exclusions.excludes(name))


@pytest.mark.parametrize(
    "pattern",
    [
        "*",
        "?",
        "",
        "/",
        ".",
        "RUN",
        "RUN/",
        "RUN/Data",
        "./RUN/Data",
        "./Data",
        "/Data",
        "Data/",
        "Data/*",
        "Data/*/",
        "Data/Intensities/*/C1.1",
        "Data/*.bcl",
        "*/L001",
        "*.jpg",
        "*.JPG",
        "*.[jJ][pP][gG]",
        "Thumbnail_Images",
        "RUN/Thumbnail_Images",
        "Thumb*_Images/x.jpg",
        "Thumbnail*jpg",
        "humbnail_Images",
        "T*",
        "a/b",
        "b/a",
        "a/b/",
        "a//b",
        "a/[!b]",
        "a/[!x]",
        "a[/]b",
        "a?b",
        "?b",
        "[[:alpha:]]b",
        "[a-b]",
        "[^a]",
        "b[",
        "b[a",
        "b[a]",
        "b\\[a]",
        "b\\[a\\]",
        "b\\*",
        "b\\?",
        "b?",
        "b\\",
        "b\\\\",
        "b\\\\*",
        "b\\a",
        "\\a",
        "\\D\\ata",
        ".*",
        "*hidden",
        "-b",
        "a b",
        "line\nfeed",
        "line?feed",
        "k?tt",
        "k??tt",
        "kött",
        "\udce5",
        "[\udce5]",
        "+(a)",
        "!(a)",
        "{a,b}",
        "~",
        "#x",
    ],
)
def test_a_pattern_leaves_out_what_tar_leaves_out(
    kept_by_tar: Kept, pattern: str
) -> None:
    assert _kept(kept_by_tar(), pattern) == kept_by_tar(pattern)


@settings(max_examples=150, deadline=None)
@given(patterns=st.lists(st.text("abD*?[]!^-\\/.L1", max_size=8), max_size=3))
def test_any_patterns_leave_out_what_tar_leaves_out(
    kept_by_tar: Kept, patterns: list[str]
) -> None:
    assert _kept(kept_by_tar(), *patterns) == kept_by_tar(*patterns)


def test_no_pattern_leaves_out_nothing() -> None:
    assert not Exclusions([]).excludes(b"RUN/Thumbnail_Images/x.jpg")
