from __future__ import annotations

import io
import os
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiving.engine.manifest import (
    Header,
    ManifestDamaged,
    ManifestWriter,
    checksum_line,
    read_manifest,
)
from archiving.engine.members import Kind, Member
from archiving.engine.walk import LeftOut, Reason

from .trees import UGLY, make_tree, scan, tar

SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HEADER = Header(
    "RUN",
    datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
    ("Thumbnail_Images", "*.jpg", "a\\[b", "line\nfeed", "\udce5", ""),
    "tar (GNU tar) 1.34",
)
MEMBERS = [
    Member(b"RUN", Kind.DIRECTORY, 0o755, 0, 1_700_000_000),
    Member(b"RUN/x", Kind.FILE, 0o644, 5, 1_700_000_001, b"", SHA256),
    Member(b"RUN/y", Kind.SYMLINK, 0o777, 0, -1, b"x"),
]


def _written(
    members: list[Member],
    left_out: list[LeftOut] | None = None,
    header: Header = HEADER,
) -> bytes:
    file = io.BytesIO()
    writer = ManifestWriter(file, header)
    for item in left_out or []:
        writer.left_out(item)
    for member in members:
        writer.member(member)
    writer.close()
    return file.getvalue()


def _read(text: bytes) -> tuple[Header, list[Member]]:
    header, members = read_manifest(io.BytesIO(text))
    return header, list(members)


def _checked_by_sha256sum(
    parent: Path, text: bytes
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "-"],
        cwd=parent,
        input=text.decode("utf-8", "surrogateescape"),
        errors="surrogateescape",
        capture_output=True,
        check=False,
    )


def test_it_is_written_as_its_description_says() -> None:
    left_out = [LeftOut(b"RUN/Thumbnail_Images", Reason.EXCLUDED, 12, 345)]

    text = _written(MEMBERS, left_out)

    assert os.fsdecode(text) == (
        "# SeqHub manifest 1\n"
        "# run RUN\n"
        "# made-at 2026-01-31T12:00:00Z\n"
        "# tar tar (GNU tar) 1.34\n"
        "# exclude Thumbnail_Images\n"
        "# exclude *.jpg\n"
        "# exclude a\\\\[b\n"
        "# exclude line\\nfeed\n"
        "# exclude \udce5\n"
        "# exclude \n"
        "# left-out excluded 12 345 RUN/Thumbnail_Images\n"
        "# members\n"
        "# d 0755 0 1700000000 RUN\n"
        "# f 0644 5 1700000001\n"
        f"{SHA256}  RUN/x\n"
        "# l 0777 0 -1 RUN/y -> x\n"
        "# end members=3 files=1 bytes=5\n"
    )


def test_sha256sum_finds_every_file_as_it_was(tmp_path: Path) -> None:
    run = make_tree(tmp_path)
    text = _written(scan(tar(run)), [LeftOut(b"x\ny", Reason.SOCKET)])

    checked = _checked_by_sha256sum(tmp_path, text)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_sha256sum_finds_the_file_that_changed(tmp_path: Path) -> None:
    run = make_tree(tmp_path)
    text = _written(scan(tar(run)))
    (run / "line\nfeed").write_bytes(b"changed")

    checked = _checked_by_sha256sum(tmp_path, text)

    assert checked.returncode == 1
    assert "line\\nfeed: FAILED" in checked.stdout


@pytest.mark.parametrize("name", UGLY)
def test_a_checksum_line_is_sha256sums_own(tmp_path: Path, name: bytes) -> None:
    (tmp_path / os.fsdecode(name)).touch()

    line = subprocess.run(
        ["sha256sum", "--", name], cwd=tmp_path, capture_output=True, check=True
    ).stdout

    assert checksum_line(SHA256, name) == line


def test_all_that_tar_wrote_is_read_back(tmp_path: Path) -> None:
    members = scan(tar(make_tree(tmp_path)))

    assert _read(_written(members))[1] == members


NAMES = st.text("a \\\n\r->nr\xe5", min_size=1).map(str.encode)


@settings(deadline=None)
@given(
    name=NAMES, target=NAMES, kind=st.sampled_from(Kind), mtime=st.integers(-99, 2**60)
)
def test_any_name_is_read_back(
    name: bytes, target: bytes, kind: Kind, mtime: int
) -> None:
    member = Member(
        name,
        kind,
        0o4755,
        7 if kind is Kind.FILE else 0,
        mtime,
        target if kind in {Kind.SYMLINK, Kind.HARD_LINK} else b"",
        SHA256 if kind is Kind.FILE else "",
    )
    left_out = LeftOut(name, Reason.EXCLUDED, 1, 2)

    header, members = _read(_written([member], [left_out]))

    assert members == [member]
    assert header.left_out == (left_out,)


def test_the_header_is_read_back() -> None:
    header, _ = _read(_written([]))

    assert header == HEADER


def test_the_time_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=5))
    local = Header("RUN", datetime(2026, 1, 31, 17, 0, tzinfo=east), (), "tar 1")

    assert b"# made-at 2026-01-31T12:00:00Z\n" in _written([], header=local)


def test_of_very_much_left_out_the_first_thousand_and_the_sums_are_kept() -> None:
    left_out = [
        LeftOut(b"RUN/%d" % index, Reason.EXCLUDED, 2, 3) for index in range(1500)
    ]

    header, _ = _read(_written([], left_out))

    assert header.left_out == tuple(left_out[:1000])
    assert header.left_out_count == 1500
    assert (header.left_out_files, header.left_out_bytes) == (3000, 4500)


def test_a_manifest_that_is_cut_anywhere_is_damaged() -> None:
    text = _written(MEMBERS, [LeftOut(b"RUN/z", Reason.SOCKET)])

    for cut in range(len(text)):
        with pytest.raises(ManifestDamaged):
            _read(text[:cut])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"manifest 1", b"manifest 2", 1),
        (b"# run RUN\n", b"", 10),
        (b"made-at 2026", b"made-at then", 11),
        (b"# members\n", b"", 11),
        (b"# d 0755", b"# q 0755", 12),
        (b"# d 0755 0", b"# d 0755 1", 12),
        (b"# f 0644", b"# f 0944", 13),
        (b"# f 0644 5 1700000001\n", b"", 13),
        (SHA256.encode(), SHA256.encode()[1:], 14),
        (b"RUN/y -> x", b"RUN/y", 15),
        (b"RUN/y -> x", b"RUN/y\\q -> x", 15),
        (b"# l 0777 0 -1 RUN/y -> x\n", b"", 15),
        (b"members=3", b"members=4", 16),
        (b"files=1", b"files=2", 16),
        (b"bytes=5\n", b"bytes=6\n", 16),
        (b"bytes=5\n", b"bytes=5\n\n", 16),
        (b"made-at 2026-01-31T12:00:00Z", b"made-at 2026-01-31T12:00:00", 11),
    ],
)
def test_damage_is_told_with_its_line(old: bytes, new: bytes, line: int) -> None:
    text = _written(MEMBERS)
    assert text.count(old) == 1

    with pytest.raises(ManifestDamaged, match=f"line {line} of the manifest") as caught:
        _read(text.replace(old, new))

    assert caught.value.line == line
