from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiving.engine.members import Kind, Member
from archiving.engine.tar import TarDamaged, TarScanner
from archiving.engine.tarheader import parse_header

from .trees import make_tree, scan, tar

KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARD_LINK,
    tarfile.FIFOTYPE: Kind.FIFO,
    tarfile.CHRTYPE: Kind.CHARACTER_DEVICE,
    tarfile.BLKTYPE: Kind.BLOCK_DEVICE,
}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tar(make_tree(tmp_path_factory.mktemp("tar")))


def _as_the_standard_library_reads(stream: bytes) -> list[Member]:
    members = []
    with tarfile.open(fileobj=io.BytesIO(stream), errors="surrogateescape") as file:
        for info in file:
            kind, size, sha256 = KINDS[info.type], 0, ""
            if kind == Kind.FILE:
                content = file.extractfile(info)
                assert content is not None
                sha256 = hashlib.sha256(content.read()).hexdigest()
                size = info.size
            name, target = os.fsencode(info.name), os.fsencode(info.linkname)
            mtime = int(info.mtime // 1)
            members.append(Member(name, kind, info.mode, size, mtime, target, sha256))
    return members


def _made(format_: int, *infos: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", format=format_, errors="surrogateescape"
    ) as file:
        for info in infos:
            file.addfile(info, io.BytesIO(b"7" * info.size))
    return stream.getvalue()


def _info(name: str, **attributes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize("chunk_bytes", [1, 511, 512, 513, 65536, 1 << 24])
def test_it_reads_every_kind_of_member_in_pieces_of_any_size(
    sealed: bytes, chunk_bytes: int
) -> None:
    members = scan(sealed, chunk_bytes)

    assert members == _as_the_standard_library_reads(sealed)
    assert {member.kind for member in members} == set(Kind) - {
        Kind.CHARACTER_DEVICE,
        Kind.BLOCK_DEVICE,
    }


def test_it_counts_what_passed(sealed: bytes) -> None:
    members: list[Member] = []
    scanner = TarScanner(members.append)

    scanner.feed(sealed)
    scanner.close()

    assert scanner.members == len(members)
    assert scanner.files == sum(bool(member.sha256) for member in members)
    assert scanner.content_bytes == sum(member.size for member in members)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=200
).filter(lambda name: name not in {".", ".."})
INFOS = st.builds(
    _info,
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    size=st.integers(0, 2000),
    mode=st.integers(0, 0o7777),
    mtime=st.integers(-(2**40), 2**40),
)


@settings(max_examples=60, deadline=None)
@given(
    format_=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    infos=st.lists(INFOS, max_size=6),
    chunk_bytes=st.integers(1, 3000),
)
def test_it_reads_any_tar_as_the_standard_library_does(
    format_: int, infos: list[tarfile.TarInfo], chunk_bytes: int
) -> None:
    stream = _made(format_, *infos)

    assert scan(stream, chunk_bytes) == _as_the_standard_library_reads(stream)


def test_it_reads_ustar_prefixes() -> None:
    name = "p" * 120 + "/" + "n" * 90
    stream = _made(tarfile.USTAR_FORMAT, _info(name, size=3))

    assert [member.name.decode() for member in scan(stream)] == [name]


def test_it_reads_times_before_1970_and_between_seconds() -> None:
    stream = _made(
        tarfile.PAX_FORMAT,
        _info("x", mtime=-1.5),
        _info("y", mtime=1.5),
        _info("z", mtime=-2.0),
    )

    assert [member.mtime for member in scan(stream)] == [-2, 1, -2]


def test_pax_headers_for_all_hold_until_one_of_its_own() -> None:
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", pax_headers={"mtime": "17", "comment": "all"}
    ) as file:
        file.addfile(_info("x", mtime=5))
        file.addfile(_info("y", mtime=5, pax_headers={"mtime": "18"}))

    assert [member.mtime for member in scan(stream.getvalue())] == [17, 18]


def test_devices_are_members(sealed: bytes) -> None:
    stream = _made(
        tarfile.GNU_FORMAT,
        _info("c", type=tarfile.CHRTYPE),
        _info("b", type=tarfile.BLKTYPE),
    )

    assert [member.kind for member in scan(stream)] == [
        Kind.CHARACTER_DEVICE,
        Kind.BLOCK_DEVICE,
    ]


def test_a_directory_of_the_oldest_tars_is_one() -> None:
    info = _info("old", type=tarfile.AREGTYPE)
    info.name = "old/"
    block = info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)

    assert [(member.name, member.kind) for member in scan(block)] == [
        (b"old", Kind.DIRECTORY)
    ]


def test_it_waits_for_all_of_a_file_beyond_8_gib(tmp_path: Path) -> None:
    run = tmp_path / "RUN"
    run.mkdir()
    with (run / "huge").open("wb") as file:
        file.truncate(9 << 30)
    members: list[Member] = []
    scanner = TarScanner(members.append)
    command = ["tar", "--create", "--format=gnu", "-C", str(tmp_path), "RUN"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        scanner.feed(process.stdout.read(4096))
        process.stdout.close()
    # Zeros are its content as yet, not the end of the tar.
    scanner.feed(bytes(12288))

    assert [member.name for member in members] == [b"RUN"]
    with pytest.raises(TarDamaged, match="cut after 16,384 bytes"):
        scanner.close()


def test_a_size_beyond_8_gib_is_read_from_the_header() -> None:
    size = (9 << 30) + 5

    block = _info("huge", size=size).tobuf(tarfile.GNU_FORMAT)

    assert parse_header(block).size == size


@pytest.mark.parametrize("chunk_bytes", [512, 65536])
def test_a_tar_that_is_cut_is_damaged(tmp_path: Path, chunk_bytes: int) -> None:
    stream = _small_tar(tmp_path)
    end = len(stream.rstrip(b"\0"))
    end += -end % 512 + 1024

    for cut in range(0, end, 512):
        with pytest.raises(TarDamaged, match="cut"):
            scan(stream[:cut], chunk_bytes)
    # Behind its end is nothing but padding, which some tars don't write.
    for cut in range(end, len(stream), 512):
        scan(stream[:cut], chunk_bytes)


@pytest.mark.parametrize("rubbish", [b"x", b"\0" * 511 + b"x", b"x" * 512])
def test_what_follows_the_end_is_damage(tmp_path: Path, rubbish: bytes) -> None:
    with pytest.raises(TarDamaged):
        scan(_small_tar(tmp_path) + rubbish)


def test_every_changed_byte_of_a_header_is_damage(tmp_path: Path) -> None:
    stream = _small_tar(tmp_path)

    for at in range(512):
        changed = bytearray(stream)
        changed[at] ^= 0x01
        if 148 <= at < 156 and not _is_digit(stream[at]):
            continue  # around the checksum's digits, anything goes
        with pytest.raises(TarDamaged, match="byte 0 of the tar"):
            scan(bytes(changed))


def _is_digit(byte: int) -> bool:
    return byte in b"01234567"


def _small_tar(parent: Path) -> bytes:
    run = parent / "RUN"
    (run / "empty").mkdir(parents=True)
    (run / "x").write_bytes(b"x" * 1500)
    (run / ("long" * 40)).write_bytes(b"1")
    return tar(run)


def test_damage_shows_at_once_and_ends_the_reading() -> None:
    members: list[Member] = []
    scanner = TarScanner(members.append)

    scanner.feed(b"x" * 512)
    scanner.feed(_made(tarfile.GNU_FORMAT, _info("y")))

    assert "at byte 0 of the tar" in str(scanner.damage)
    assert not members


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (_info("x", type=b"S"), "type b'S'"),
        (_info("x", type=b"M"), "type b'M'"),
        (_info("x", type=b"L", size=2 << 20), "extended header of 2,097,152"),
        (_info(""), "without a name"),
        (_info("x", type=b"x", size=7), "broken record"),
    ],
)
def test_what_it_does_not_read_is_refused(info: tarfile.TarInfo, message: str) -> None:
    with pytest.raises(TarDamaged, match=message):
        scan(info.tobuf(tarfile.GNU_FORMAT) + b"7" * 512 + bytes(1024))


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"size": "-1"}, "wrong size"),
        ({"mtime": "soon"}, "wrong time"),
        ({"GNU.sparse.major": "1"}, "sparse file"),
    ],
)
def test_pax_headers_that_make_no_sense_are_refused(
    headers: dict[str, str], message: str
) -> None:
    stream = _made(tarfile.PAX_FORMAT, _info("x", pax_headers=headers))

    with pytest.raises(TarDamaged, match=message):
        scan(stream)


def test_a_listeners_error_is_not_taken_for_damage(sealed: bytes) -> None:
    def refuse(_: Member) -> None:
        raise ValueError("full")

    scanner = TarScanner(refuse)

    with pytest.raises(ValueError, match="full"):
        scanner.feed(sealed)
    assert scanner.damage is None
