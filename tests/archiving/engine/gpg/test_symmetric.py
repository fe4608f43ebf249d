from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from archiving.engine.gpg.agents import processes_of
from archiving.engine.gpg.secret import effective, new_session_key
from archiving.engine.gpg.symmetric import (
    check_decryption,
    decrypt_argv,
    encrypt_argv,
    explain_gpg,
    passphrase_pipe,
)
from archiving.errors import Code, Trouble
from tests.archiving.keys import gpg, pipe_through

CONTENT = bytes(range(251)) * 800


def encrypt(home: Path, key: bytes, content: bytes = CONTENT) -> bytes:
    reading = passphrase_pipe(key)
    done = pipe_through(encrypt_argv(home, reading), content, reading)
    assert done.returncode == 0, done.stderr
    return done.stdout


def decrypt(home: Path, key: bytes, archive: bytes) -> bytes:
    reading = passphrase_pipe(key)
    done = pipe_through(decrypt_argv(home, reading), archive, reading)
    check_decryption(done.stderr.decode(errors="replace"), done.returncode)
    return done.stdout


def trouble(home: Path, key: bytes, archive: bytes) -> Code:
    with pytest.raises(Trouble) as caught:
        decrypt(home, key, archive)
    return caught.value.code


@pytest.mark.parametrize("content", [CONTENT, b"", b"x"])
def test_content_comes_back_and_no_agent_was_needed(home: Path, content: bytes) -> None:
    key = new_session_key()
    archive = encrypt(home, key, content)
    assert decrypt(home, key, archive) == content
    assert processes_of(home) == []


def test_nothing_is_compressed(home: Path) -> None:
    assert len(encrypt(home, new_session_key(), bytes(100_000))) > 100_000


def test_stock_gpg_opens_it(home: Path, site: Path, tmp_path: Path) -> None:
    key = new_session_key()
    wrapped = tmp_path / "RUN.key.gpg"
    archive = tmp_path / "RUN.tar.gpg"
    always = ("--trust-model", "always")
    gpg(site, *always, "-r", "core", "-o", str(wrapped), "-e", content=key + b"\n")
    archive.write_bytes(encrypt(home, key))
    opened = tmp_path / "key"
    opened.write_bytes(gpg(site, "-d", str(wrapped)))
    assert gpg(site, "--passphrase-file", str(opened), "-d", str(archive)) == CONTENT


@pytest.mark.parametrize(
    "raw",
    [b"\xe5\r\xff \t\x01" * 9 + b"\n" + b"z" * 100, b"ab\0cd\n", bytes(range(1, 10))],
)
def test_a_binary_key_of_an_old_service_opens_its_archive(
    home: Path, site: Path, tmp_path: Path, raw: bytes
) -> None:
    file = tmp_path / "key"
    file.write_bytes(raw)
    archive = gpg(site, "--passphrase-file", str(file), "-c", content=CONTENT)
    assert decrypt(home, effective(raw), archive) == CONTENT


def test_a_wrong_key_is_told_from_damage(home: Path) -> None:
    key = new_session_key()
    archive = encrypt(home, key)
    assert trouble(home, new_session_key(), archive) == Code.WRONG_KEY
    for at in (50, 100, len(archive) // 2, -30, -1):
        copy = bytearray(archive)
        copy[at] ^= 1
        assert trouble(home, key, bytes(copy)) == Code.ARCHIVE_DAMAGED


@pytest.mark.parametrize("kept", [0, 5, 50, 5_000, -1, -25])
def test_a_cut_archive_is_damaged(home: Path, kept: int) -> None:
    key = new_session_key()
    assert trouble(home, key, encrypt(home, key)[:kept]) == Code.ARCHIVE_DAMAGED


def test_no_flipped_bit_goes_unseen(home: Path) -> None:
    key = new_session_key()
    archive = encrypt(home, key, b"x" * 500)
    # Every bit of the headers, then one bit here and there.
    bits = [*range(20 * 8), *range(20 * 8, len(archive) * 8, 61)]
    for bit in bits:
        copy = bytearray(archive)
        copy[bit // 8] ^= 1 << bit % 8
        found = trouble(home, key, bytes(copy))
        assert (bit, found in {Code.ARCHIVE_DAMAGED, Code.WRONG_KEY}) == (bit, True)


def test_a_full_disk_is_told_apart(home: Path) -> None:
    reading = passphrase_pipe(new_session_key())
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            encrypt_argv(home, reading),
            input=CONTENT,
            stdout=full,
            stderr=subprocess.PIPE,
            pass_fds=[reading],
            check=False,
        )
    os.close(reading)
    found = explain_gpg(done.stderr.decode(errors="replace"), done.returncode)
    assert found.code == Code.DESTINATION_FULL
    assert found.next_step


def test_a_reader_that_went_away_is_no_damage(home: Path) -> None:
    key = new_session_key()
    archive = encrypt(home, key)
    reading, output = passphrase_pipe(key), os.pipe()
    os.close(output[0])
    done = subprocess.run(
        decrypt_argv(home, reading),
        input=archive,
        stdout=output[1],
        stderr=subprocess.PIPE,
        pass_fds=[reading],
        check=False,
        timeout=60,
    )
    os.close(reading)
    os.close(output[1])
    with pytest.raises(Trouble) as caught:
        check_decryption(done.stderr.decode(errors="replace"), done.returncode)
    assert caught.value.code == Code.GPG_FAILED


def test_a_killed_gpg_is_no_damage() -> None:
    found = explain_gpg("", -9)
    assert found.code == Code.GPG_FAILED
    assert "signal 9" in found.message
