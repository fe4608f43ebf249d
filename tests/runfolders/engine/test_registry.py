from __future__ import annotations

from pathlib import Path

import pytest

from runfolders.choices import Platform
from runfolders.engine.registry import PLATFORMS, is_watched, reader_for

from .folders import listing_of, make_folder


def test_every_platform_has_a_reader() -> None:
    assert [reader.key for reader in PLATFORMS] == list(Platform.values)


@pytest.mark.parametrize(
    ("files", "platform"),
    [
        ({"RunInfo.xml": "", "RunParameters.json": ""}, "illumina"),
        ({"RunParameters.json": "", "pod5/": ""}, "element"),
        ({"pod5/": "", "1_A01/": ""}, "ont"),
        ({"1_A01/": ""}, "pacbio"),
        ({"README.md": "", "data/": ""}, None),
        ({}, None),
    ],
)
def test_platforms_are_told_apart_by_content(
    files: dict[str, str], platform: str | None, tmp_path: Path
) -> None:
    reader = reader_for(listing_of(make_folder(tmp_path / "run", files)))
    assert (reader and reader.key) == platform


def test_only_names_of_some_platform_are_watched() -> None:
    assert is_watched("runinfo.xml")
    assert is_watched("runuploaded.json")
    assert is_watched("final_summary_pau12345_6f0b1a2c.txt")
    assert not is_watched("thesis.docx")
