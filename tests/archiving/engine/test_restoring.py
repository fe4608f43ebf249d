from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from archiving.engine.findings import Fault
from archiving.engine.restoring import Restored, restore
from archiving.engine.watch import Unwatched
from archiving.errors import Code, Trouble
from tests.archiving.engine.sealed import Archive, seal_run
from tests.archiving.engine.trees import scan, tar


def bring_back(
    archive: Archive, into: Path, wanted: Sequence[bytes] | None = None
) -> Restored:
    order = archive.order
    into.mkdir(exist_ok=True)
    return restore(
        order.archive, order.manifest, wanted, into, order.key, order.home, Unwatched()
    )


def test_a_whole_run_comes_back_the_same(archive: Archive, tmp_path: Path) -> None:
    restored = bring_back(archive, tmp_path / "into")
    assert restored.findings == []
    source = archive.order.source
    assert scan(tar(tmp_path / "into" / source.name)) == scan(tar(source))


@pytest.fixture
def small(tmp_path: Path, private_home: Path) -> Archive:
    run = tmp_path / "RUN"
    (run / "Data" / "deep").mkdir(parents=True)
    (run / "Data" / "deep" / "a.bcl").write_bytes(b"a" * 1000)
    (run / "Data" / "deep" / "b.bcl").write_bytes(b"b" * 1000)
    (run / "zlink").hardlink_to(run / "Data" / "deep" / "a.bcl")
    (run / "line\nfeed").write_bytes(b"x")
    (run / "Data").chmod(0o2750)
    os.utime(run / "Data", (1_500_000_000, 1_500_000_000))
    return seal_run(run, tmp_path / "out", private_home)


def below(path: Path) -> set[str]:
    return {str(found.relative_to(path)) for found in path.rglob("*")}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("RUN/line\nfeed", {"RUN", "RUN/line\nfeed"}),
        (
            "RUN/Data/deep/b.bcl",
            {"RUN", "RUN/Data", "RUN/Data/deep", "RUN/Data/deep/b.bcl"},
        ),
        (
            "RUN/Data/deep",
            {
                "RUN",
                "RUN/Data",
                "RUN/Data/deep",
                "RUN/Data/deep/a.bcl",
                "RUN/Data/deep/b.bcl",
            },
        ),
        (
            # Its content is stored under its first name.
            "RUN/zlink",
            {"RUN", "RUN/Data", "RUN/Data/deep", "RUN/Data/deep/a.bcl", "RUN/zlink"},
        ),
    ],
)
def test_chosen_files_come_back_alone(
    wanted: str, expected: set[str], small: Archive, tmp_path: Path
) -> None:
    restored = bring_back(small, tmp_path / "into", [wanted.encode()])
    assert restored.findings == []
    assert below(tmp_path / "into") == expected


def test_directories_above_a_chosen_file_are_as_they_were(
    small: Archive, tmp_path: Path
) -> None:
    bring_back(small, tmp_path / "into", [b"RUN/Data/deep/b.bcl"])
    status = (tmp_path / "into" / "RUN" / "Data").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (0o2750, 1_500_000_000)


def test_an_interrupted_restore_is_taken_up(small: Archive, tmp_path: Path) -> None:
    into = tmp_path / "into"
    bring_back(small, into)
    kept = into / "RUN" / "Data" / "deep" / "b.bcl"
    number = kept.stat().st_ino
    (into / "RUN" / "Data" / "deep" / "a.bcl").write_bytes(b"half")
    (into / "RUN" / "line\nfeed").unlink()
    os.utime(into / "RUN" / "Data")
    restored = bring_back(small, into)
    assert restored.findings == []
    assert scan(tar(into / "RUN")) == scan(tar(small.order.source))
    assert kept.stat().st_ino == number


def test_a_name_that_is_not_in_the_archive(small: Archive, tmp_path: Path) -> None:
    with pytest.raises(Trouble) as trouble:
        bring_back(small, tmp_path / "into", [b"RUN/no such file"])
    assert trouble.value.code == Code.NOT_IN_ARCHIVE
    assert below(tmp_path / "into") == set()


def test_damage_is_no_success(small: Archive, tmp_path: Path) -> None:
    content = bytearray(small.order.archive.read_bytes())
    content[len(content) // 2] ^= 1
    small.order.archive.write_bytes(content)
    with pytest.raises(Trouble) as trouble:
        bring_back(small, tmp_path / "into")
    assert trouble.value.code in {Code.ARCHIVE_DAMAGED, Code.TAR_FAILED}


@pytest.mark.parametrize(
    "wanted",
    [
        [b"RUN/links/b.bcl"],
        [b"RUN/links"],
        [b"RUN/a.bcl", b"RUN/links/b.bcl"],
        [b"RUN/a.bcl"],
    ],
)
def test_what_a_chosen_link_holds_is_compared(
    wanted: list[bytes], tmp_path: Path, private_home: Path
) -> None:
    run = tmp_path / "RUN"
    (run / "links").mkdir(parents=True)
    (run / "a.bcl").write_bytes(os.urandom(3_000_000))
    (run / "links" / "b.bcl").hardlink_to(run / "a.bcl")
    (run / "z").write_bytes(os.urandom(3_000_000))
    linked = seal_run(run, tmp_path / "out", private_home)
    restored = bring_back(linked, tmp_path / "whole", wanted)
    assert (restored.findings, restored.files) == ([], 1)
    assert restored.content_bytes == 3_000_000
    content = bytearray(linked.order.archive.read_bytes())
    content[1_000_000] ^= 1
    linked.order.archive.write_bytes(content)
    # gpg may be through with it, or not, by the time that tar has all.
    with suppress(Trouble):
        assert bring_back(linked, tmp_path / "damaged", wanted).findings


@pytest.mark.parametrize(
    "wanted",
    [
        [b"RUN/Data", b"RUN/Data/deep/b.bcl"],
        [b"RUN/Data/deep", b"RUN/zlink"],
        [b"RUN/zlink", b"RUN/zlink"],
    ],
)
def test_names_that_hold_each_other_are_no_trouble(
    wanted: list[bytes], small: Archive, tmp_path: Path
) -> None:
    assert bring_back(small, tmp_path / "into", wanted).findings == []


def test_what_the_archive_does_not_hold_is_told(small: Archive, tmp_path: Path) -> None:
    planted = tmp_path / "into" / "RUN" / "Data" / "planted"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"not sealed")
    restored = bring_back(small, tmp_path / "into")
    assert [finding.fault for finding in restored.findings] == [Fault.MEMBER_EXTRA]


def test_what_differs_on_disk_is_told(small: Archive, tmp_path: Path) -> None:
    other = seal_run(small.order.source, tmp_path / "second", small.order.home)
    text = small.order.manifest.read_text()
    digest = "0" * 64
    line = next(line for line in text.splitlines() if line.endswith("deep/b.bcl"))
    other.order.manifest.write_text(
        text.replace(line, f"{digest}  RUN/Data/deep/b.bcl")
    )
    restored = bring_back(other, tmp_path / "into")
    assert [(f.fault, f.name) for f in restored.findings] == [
        (Fault.MEMBER_DIFFERS, "RUN/Data/deep/b.bcl")
    ]
