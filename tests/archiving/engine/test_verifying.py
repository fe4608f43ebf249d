from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest

from archiving.engine.children import CHUNK_BYTES
from archiving.engine.findings import Fault
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.verifying import Checked, digest, verify
from archiving.engine.watch import Unwatched
from archiving.errors import Code, Trouble
from tests.archiving.engine.sealed import Archive, seal_run


def look(archive: Archive, path: Path | None = None) -> Checked:
    order = archive.order
    return verify(
        path or order.archive, order.manifest, order.key, order.home, Unwatched()
    )


def faults(checked: Checked) -> set[Fault]:
    return {finding.fault for finding in checked.findings}


def test_what_was_sealed_is_found(archive: Archive) -> None:
    checked = look(archive)
    assert checked.findings == []
    assert checked.files == archive.sealed.files
    assert checked.content_bytes == archive.sealed.content_bytes
    assert (checked.archive_bytes, checked.archive_sha256) == digest(
        archive.order.archive, Unwatched()
    )


def test_another_key_does_not_open_it(archive: Archive) -> None:
    order = archive.order
    checked = verify(
        order.archive, order.manifest, new_session_key(), order.home, Unwatched()
    )
    assert faults(checked) == {Fault.WRONG_KEY}


@pytest.fixture
def big_archive(tmp_path: Path, private_home: Path) -> Archive:
    """Of several pieces."""
    run = tmp_path / "RUN"
    run.mkdir()
    with (run / "big.bcl").open("wb") as file:
        file.truncate(8 * CHUNK_BYTES)
    return seal_run(run, tmp_path / "out", private_home)


def use_gpg(directory: Path, patch: pytest.MonkeyPatch, script: str) -> None:
    """A gpg that reads nothing; the real one reads on whatever the key."""
    program = directory / "bin" / "gpg"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    patch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_all_of_it_is_read_although_gpg_ends_early(
    big_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "gpg: decryption failed: Bad session key"
    use_gpg(tmp_path, monkeypatch, f"echo '{words}' >&2; exit 2")
    checked = look(big_archive)
    assert faults(checked) == {Fault.WRONG_KEY}
    content = big_archive.order.archive.read_bytes()
    assert checked.archive_bytes == len(content)
    assert checked.archive_sha256 == hashlib.sha256(content).hexdigest()


class Cancelling(Unwatched):
    def tick(self, bytes_done: int, files_done: int) -> None:
        raise Trouble(Code.CANCELLED, "a person cancelled it")


def test_what_is_cancelled_is_not_read_to_its_end(
    big_archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_gpg(tmp_path, monkeypatch, "exec sleep 60")
    preadv = os.preadv
    counts: list[int] = []

    def counting(descriptor: int, buffers: list[memoryview], at: int) -> int:
        counts.append(preadv(descriptor, buffers, at))
        return counts[-1]

    monkeypatch.setattr(os, "preadv", counting)
    order = big_archive.order
    with pytest.raises(Trouble) as trouble:
        verify(order.archive, order.manifest, order.key, order.home, Cancelling())
    assert trouble.value.code == Code.CANCELLED
    # One piece may be under way when gpg is killed.
    assert sum(counts) <= CHUNK_BYTES


def test_a_flipped_bit_names_its_file(tmp_path: Path, private_home: Path) -> None:
    run = tmp_path / "RUN"
    run.mkdir()
    for name in ("one", "two", "three"):
        (run / name).write_bytes(random.Random(name).randbytes(100_000))  # noqa: S311
    archive = seal_run(run, tmp_path / "out", private_home)
    content = bytearray(archive.order.archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.order.archive.write_bytes(content)
    checked = look(archive)
    assert faults(checked) == {Fault.MEMBER_DIFFERS, Fault.DECRYPTION_FAILED}
    # Sorted by name: one, three, two.
    assert [finding.name for finding in checked.findings][:1] == ["RUN/three"]


@pytest.mark.parametrize("change", ["cut", "append", "empty"])
def test_another_length_is_found(change: str, archive: Archive) -> None:
    content = archive.order.archive.read_bytes()
    changed = {"cut": content[:-1], "append": content + b"x", "empty": b""}[change]
    archive.order.archive.write_bytes(changed)
    checked = look(archive)
    assert Fault.DECRYPTION_FAILED in faults(checked)
    assert checked.archive_bytes == len(changed)


@pytest.mark.slow
def test_no_random_corruption_is_missed(archive: Archive, tmp_path: Path) -> None:
    content = archive.order.archive.read_bytes()
    dice = random.Random(20)  # noqa: S311
    damaged = tmp_path / "damaged"
    missed = []
    for number in range(40):
        changed = bytearray(content)
        at = dice.randrange(len(changed))
        if number % 4 == 3:
            del changed[at : at + dice.randint(1, 5000)]
        else:
            changed[at] ^= 1 << dice.randrange(8)
        damaged.write_bytes(changed)
        if not look(archive, damaged).findings:
            missed.append((number, at))
    assert missed == []


def test_members_are_held_against_the_manifest(
    tmp_path: Path, private_home: Path
) -> None:
    run = tmp_path / "RUN"
    run.mkdir()
    for name in ("a", "b", "c"):
        (run / name).write_bytes(name.encode())
    archive = seal_run(run, tmp_path / "out", private_home)
    (run / "b").unlink()
    (run / "a").write_bytes(b"A")
    (run / "bb").write_bytes(b"new")
    other = seal_run(run, tmp_path / "other", private_home)
    order = other.order
    checked = verify(
        order.archive, archive.order.manifest, order.key, order.home, Unwatched()
    )
    found = {(finding.fault, finding.name) for finding in checked.findings}
    assert found >= {
        (Fault.MEMBER_DIFFERS, "RUN/a"),
        (Fault.MEMBER_MISSING, "RUN/b"),
        (Fault.MEMBER_EXTRA, "RUN/bb"),
    }
    assert "RUN/c" not in {name for _, name in found}


@pytest.mark.parametrize("change", ["cut", "rubbish"])
def test_a_damaged_manifest_is_found(change: str, archive: Archive) -> None:
    content = archive.order.manifest.read_bytes()
    changed = content[: len(content) // 2] if change == "cut" else b"rubbish\n"
    archive.order.manifest.write_bytes(changed)
    assert Fault.MANIFEST_DIFFERS in faults(look(archive))


def test_without_a_manifest_it_must_be_a_whole_tar(archive: Archive) -> None:
    order = archive.order
    checked = verify(order.archive, None, order.key, order.home, Unwatched())
    assert checked.findings == []
    assert checked.files == archive.sealed.files


def test_an_archive_that_is_not_there_says_nothing(archive: Archive) -> None:
    archive.order.archive.unlink()
    with pytest.raises(Trouble) as trouble:
        look(archive)
    assert trouble.value.code == Code.ARCHIVE_MISSING
