from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from archiving.engine.browse import Directory, Listing, Page, list_directory, search
from archiving.engine.manifest import Header, ManifestDamaged, ManifestWriter

from .trees import scan, tar


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    run = tmp_path_factory.mktemp("browse") / "RUN"
    for name, size in {
        "Data/L001/b.bcl": 10,
        "Data/L001/C1/a.bcl": 20,
        "Data/L001/C1/B.BCL": 30,
        "Data/L002/d.bcl": 40,
        "Data/a.txt": 1,
        "Data/z.txt": 2,
        "Data.old/x": 5,
        "RunInfo.xml": 7,
        "latin\udce5.TXT": 3,
    }.items():
        path = run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (run / "Data" / "empty").mkdir()
    (run / "Data" / "link").symlink_to("L001")
    file = io.BytesIO()
    header = Header("RUN", datetime(2026, 1, 31, tzinfo=UTC), (), "tar 1")
    writer = ManifestWriter(file, header)
    for member in scan(tar(run)):
        writer.member(member)
    writer.close()
    return file.getvalue()


def _listed(
    manifest: bytes, directory: str, offset: int = 0, limit: int = 99
) -> Listing:
    listing = list_directory(io.BytesIO(manifest), directory.encode(), offset, limit)
    assert listing is not None
    return listing


def _directories(listing: Listing) -> list[tuple[str, int, int]]:
    return [
        (directory.member.name.decode(), directory.files, directory.size_bytes)
        for directory in listing.directories
    ]


def _names(found: Listing | Page) -> list[bytes]:
    members = found.others if isinstance(found, Listing) else found.members
    return [member.name for member in members]


def test_a_directory_shows_its_directories_with_all_below_them(manifest: bytes) -> None:
    listing = _listed(manifest, "RUN/Data")

    assert _directories(listing) == [
        ("RUN/Data/L001", 3, 60),
        ("RUN/Data/L002", 1, 40),
        ("RUN/Data/empty", 0, 0),
    ]
    assert _names(listing) == [
        b"RUN/Data/a.txt",
        b"RUN/Data/link",
        b"RUN/Data/z.txt",
    ]
    assert listing.total == 6


def test_above_all_is_the_run_folder(manifest: bytes) -> None:
    listing = _listed(manifest, "")

    assert _directories(listing) == [("RUN", 9, 118)]
    assert (listing.others, listing.total) == ((), 1)


def test_a_directory_is_not_mixed_up_with_one_whose_name_begins_alike(
    manifest: bytes,
) -> None:
    assert _names(_listed(manifest, "RUN/Data.old")) == [b"RUN/Data.old/x"]
    assert _directories(_listed(manifest, "RUN")) == [
        ("RUN/Data", 6, 103),
        ("RUN/Data.old", 1, 5),
    ]


def test_pages_together_are_the_whole(manifest: bytes) -> None:
    whole = _listed(manifest, "RUN/Data")
    for limit in range(1, 8):
        directories: list[Directory] = []
        others: list[bytes] = []
        for offset in range(0, 8, limit):
            page = _listed(manifest, "RUN/Data", offset, limit)
            assert len(page.directories) + len(page.others) <= limit
            assert page.total == 6
            directories += page.directories
            others += _names(page)

        assert tuple(directories) == whole.directories
        assert others == _names(whole)


@pytest.mark.parametrize(
    "name", [b"RUN/nothing", b"RUN/RunInfo.xml", b"RU", b"RUN/Dat"]
)
def test_what_is_no_directory_has_no_listing(manifest: bytes, name: bytes) -> None:
    assert list_directory(io.BytesIO(manifest), name, 0, 10) is None


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("b.bcl", [b"RUN/Data/L001/C1/B.BCL", b"RUN/Data/L001/b.bcl"]),
        ("c1/A", [b"RUN/Data/L001/C1/a.bcl"]),
        ("\\xe5", [b"RUN/latin\xe5.TXT"]),
        ("nowhere", []),
    ],
)
def test_a_search_minds_no_case(
    manifest: bytes, words: str, names: list[bytes]
) -> None:
    page = search(io.BytesIO(manifest), words, 0, 10)

    assert _names(page) == names
    assert page.total == len(names)


def test_a_search_has_pages(manifest: bytes) -> None:
    page = search(io.BytesIO(manifest), ".txt", 1, 1)

    assert _names(page) == [b"RUN/Data/z.txt"]
    assert page.total == 3


def test_a_search_notices_a_manifest_that_is_cut(manifest: bytes) -> None:
    with pytest.raises(ManifestDamaged):
        search(io.BytesIO(manifest[:-10]), "x", 0, 10)
