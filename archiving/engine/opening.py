"""Opening what was encrypted beside an archive, with the archive's key."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from archiving.engine.children import Children
from archiving.engine.gpg.symmetric import (
    check_decryption,
    decrypt_argv,
    passphrase_pipe,
)
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble


def open_sealed(
    sealed: Path, key: bytes, home: Path, output: int, watch: Watch
) -> None:
    """Decrypt a manifest into the open file `output`.

    Raises Trouble: MANIFEST_MISSING, WRONG_KEY, ARCHIVE_DAMAGED, GPG_FAILED.
    """
    try:
        file = sealed.open("rb")
    except OSError as error:
        raise Trouble(
            Code.MANIFEST_MISSING,
            f"{sealed} can't be opened: {error.strerror}",
            "Bring it back from another copy of the archive.",
        ) from error
    passphrase = passphrase_pipe(key)
    try:
        with file, Children() as children:
            gpg = children.start(
                decrypt_argv(home, passphrase),
                stdin=file,
                stdout=output,
                pass_fds=(passphrase,),
            )
            children.follow(gpg.process.wait, watch=watch, done=lambda: (0, 0))
            check_decryption(gpg.messages(), gpg.process.returncode)
    finally:
        os.close(passphrase)


def sealed_digest(sealed: Path, key: bytes, home: Path, watch: Watch) -> str:
    """SHA-256 of what is in it. Raises Trouble as `open_sealed` does."""
    with tempfile.TemporaryFile() as opened:
        open_sealed(sealed, key, home, opened.fileno(), watch)
        opened.seek(0)
        return hashlib.file_digest(opened, "sha256").hexdigest()
