"""Command lines for the archive itself, and what gpg's answers mean.

The caller runs them between pipes: content on stdin, result on stdout, messages
and status lines on stderr; environment as in `calls.environment`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from archiving.engine.gpg import calls
from archiving.errors import Code, Trouble

# The key has 256 bits, so that nothing is gained by a slow derivation; without a
# count of its own gpg asks an agent to measure how slow it has to be.
DERIVATION = ("--s2k-mode", "3", "--s2k-digest-algo", "SHA256", "--s2k-count", "65536")
STATUS = re.compile(r"^\[GNUPG:\] (\w+)", re.MULTILINE)
MESSAGE_CHARACTERS = 500


def encrypt_argv(home: Path, passphrase_fd: int) -> list[str]:
    """AES-256, no compression, opened by stock gpg; starts no agent."""
    return calls.argv(
        home,
        *("--symmetric", "--cipher-algo", "AES256", "--compress-algo", "none"),
        *DERIVATION,
        *("--passphrase-fd", str(passphrase_fd)),
    )


def decrypt_argv(home: Path, passphrase_fd: int) -> list[str]:
    return calls.argv(home, "--passphrase-fd", str(passphrase_fd), "--decrypt")


def passphrase_pipe(key: bytes) -> int:
    """The end to read of a pipe that holds the key; the caller closes it.

    A child gets it by pass_fds and nothing else does: it is close-on-exec.
    """
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(key + b"\n")
    return reading


def check_decryption(messages: str, returncode: int) -> None:
    """Raise Trouble, as `explain_gpg`, unless gpg decrypted all and found it whole.

    gpg's own integrity check (MDC) has to have passed: an exit code of 0 is not
    enough.
    """
    said = statuses(messages)
    if returncode == 0 and {"DECRYPTION_OKAY", "GOODMDC"} <= said:
        return
    found = explain_gpg(messages, returncode)
    # Damaged headers can mean anything to gpg; no damage is a gpg that was killed,
    # whose reader went away, or that never came to ask for the key.
    began = returncode > 0 and "NEED_PASSPHRASE_SYM" in said
    if found.code == Code.GPG_FAILED and began and "Broken pipe" not in messages:
        raise _damaged()
    raise found


def statuses(messages: str) -> set[str]:
    """The words of the status lines."""
    return set(STATUS.findall(messages))


def explain_gpg(messages: str, returncode: int) -> Trouble:
    """Why a symmetric gpg failed, from its stderr with status lines.

    For decryption use `check_decryption`, which also knows success. `messages`
    may hold any bytes of a damaged archive: decode with "replace". A wrong key and
    damage within the first 40 bytes of an archive look the same to gpg, and are
    WRONG_KEY; any other damage is ARCHIVE_DAMAGED.
    """
    said = statuses(messages)
    if "No space left on device" in messages or "Disk quota exceeded" in messages:
        return Trouble(
            Code.DESTINATION_FULL,
            "the disk filled up while gpg wrote",
            "Free space at the destination; it tries again by itself.",
        )
    if "BAD_PASSPHRASE" in messages or "Bad session key" in messages:
        return Trouble(
            Code.WRONG_KEY,
            "the key does not open the archive",
            "Look whether the key file belongs to this archive. If it does, the "
            "archive's first bytes are damaged: take another copy.",
        )
    cut_at_once = "unknown digest algorithm" in messages
    damage = said & {"BADMDC", "NODATA", "DECRYPTION_FAILED"}
    if damage or cut_at_once or returncode == 0:
        return _damaged()
    return failure(messages, returncode)


def _damaged() -> Trouble:
    return Trouble(
        Code.ARCHIVE_DAMAGED,
        "the archive is not as it was made: gpg's integrity check failed",
        "Take another copy of the archive, or seal the run again.",
    )


def failure(messages: str, returncode: int) -> Trouble:
    """A failure that has no name of its own: gpg's last words are told."""
    spoken = [line for line in messages.splitlines() if not line.startswith("[GNUPG:]")]
    end = f"was ended by signal {-returncode}" if returncode < 0 else "failed"
    words = ": " + spoken[-1].removeprefix("gpg: ") if spoken else ""
    return Trouble(
        Code.GPG_FAILED,
        f"gpg {end}{words}"[:MESSAGE_CHARACTERS],
        "See the attempt's log; it tries again by itself.",
    )
