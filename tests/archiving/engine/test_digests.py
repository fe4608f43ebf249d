from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from archiving.engine.digests import PIECE_BYTES, digest_file


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, 2 * PIECE_BYTES + 5])
def test_every_piece_is_told_of(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    pieces: list[int] = []
    assert digest_file(os.fsencode(path), pieces.append) == (
        hashlib.sha256(content).hexdigest()
    )
    assert sum(pieces) == size
    assert max(pieces, default=0) <= PIECE_BYTES


@pytest.mark.parametrize("kind", ["link", "pipe", "directory", "nothing"])
def test_it_reads_nothing_but_regular_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "came"
    match kind:
        case "link":
            (tmp_path / "file").write_bytes(b"secret")
            path.symlink_to("file")
        case "pipe":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - each has another errno
        digest_file(os.fsencode(path), lambda _count: None)
