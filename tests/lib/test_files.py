from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqhub.lib.files import (
    Locked,
    create_once,
    is_disk_full,
    locked,
    open_lock,
    try_lock,
    write_atomic,
)


def test_it_writes_private_files_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_atomic(tmp_path / "key", b"secret")
    finally:
        os.umask(before)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_it_replaces_a_link_instead_of_following_it(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "link").symlink_to(victim)
    write_atomic(tmp_path / "link", b"new")
    assert victim.read_text() == "untouched"
    assert not (tmp_path / "link").is_symlink()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "name"
    path.mkdir()  # a file can't replace a directory
    with pytest.raises(OSError, match="directory"):
        write_atomic(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["name"]


def test_a_full_disk_is_told_from_other_errors() -> None:
    with pytest.raises(OSError, match="space") as caught:
        Path("/dev/full").write_text("x")
    assert is_disk_full(caught.value)
    assert not is_disk_full(PermissionError(13, "denied"))


def _create(path: Path, index: int) -> bool:
    return create_once(path, f"{index}\n".encode() * 1000)


def test_only_one_of_many_creates_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with multiprocessing.get_context("fork").Pool(8) as pool:
        made = pool.starmap(_create, [(path, index) for index in range(8)])
    assert made.count(True) == 1
    assert path.read_text() == f"{made.index(True)}\n" * 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["key"]


def test_a_lock_excludes_until_its_holder_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import sys, time, pathlib; from seqhub.lib.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(Locked), locked(path, wait=False):
            pass
        holder.kill()
        holder.wait()
    with locked(path, wait=False):
        pass


def test_shared_locks_meet_and_keep_an_exclusive_one_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, exclusive=False), locked(path, exclusive=False, wait=False):
        other = open_lock(path)
        assert not try_lock(other, exclusive=True)
    assert try_lock(other, exclusive=True)
    os.close(other)
