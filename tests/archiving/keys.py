"""Throwaway gpg homes and keys, made by real gpg.

site = make_home(tmp_path / "gnupg")
fingerprint = add_key(site, "core")
...
stop_agent(site)
"""

from __future__ import annotations

import functools
import itertools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from archiving.engine.gpg import calls
from archiving.engine.gpg.home import dispose

EXPIRED_KEY_TIME = "20200101T000000"


def make_home(directory: Path) -> Path:
    """An empty gpg home; `stop_agent` it when keys were added."""
    directory.mkdir(mode=0o700, parents=True)
    return directory


def add_key(
    home: Path,
    name: str,
    *,
    expired: bool = False,
    revoked: bool = False,
    sign_only: bool = False,
    passphrase: str = "",
    public_only: bool = False,
    expires: str = "never",
) -> str:
    """Add a key of `name <name@example.org>`; its fingerprint.

    ed25519 with a cv25519 subkey to encrypt. `expires` is gpg's: 10d, 2y. Keys of
    one kind and name are made once a session and copied.
    """
    made = _made(name, expired, revoked, sign_only, passphrase, expires)
    fingerprint, exported, secret_keys = made
    gpg(home, "--no-autostart", "--import", content=exported)
    if not public_only:
        target = home / "private-keys-v1.d"
        target.mkdir(mode=0o700, exist_ok=True)
        for file, content in secret_keys:
            (target / file).write_bytes(content)
            (target / file).chmod(0o600)
    return fingerprint


@functools.cache
def _made(
    name: str,
    expired: bool,
    revoked: bool,
    sign_only: bool,
    passphrase: str,
    expires: str,
) -> tuple[str, bytes, tuple[tuple[str, bytes], ...]]:
    """Fingerprint, exported public key, and the files of the secret keys."""
    # Short, because agents listen in it.
    directory = tempfile.mkdtemp(prefix="sq-keys-")
    home = Path(directory)
    try:
        then = ("--faked-system-time", EXPIRED_KEY_TIME) if expired else ()
        end = "1d" if expired else expires
        make = (*then, "--pinentry-mode", "loopback", "--passphrase", passphrase)
        person = f"{name} <{name}@example.org>"
        usage = "sign" if sign_only else "cert"
        gpg(home, *make, "--quick-generate-key", person, "ed25519", usage, end)
        fingerprint = fingerprints(home)[0]
        if not sign_only:
            gpg(home, *make, "--quick-add-key", fingerprint, "cv25519", "encr", end)
        if revoked:
            _revoke(home, fingerprint)
        exported = gpg(home, "--export", fingerprint)
        files = sorted((home / "private-keys-v1.d").glob("*.key"))
        secret_keys = tuple((file.name, file.read_bytes()) for file in files)
        return fingerprint, exported, secret_keys
    finally:
        dispose(home)


def _revoke(home: Path, fingerprint: str) -> None:
    """By the certificate that gpg makes with each key, a colon guarding its use."""
    certificate = home / "openpgp-revocs.d" / f"{fingerprint}.rev"
    text = certificate.read_text().replace(":-----BEGIN", "-----BEGIN")
    gpg(home, "--import", content=text.encode())


def fingerprints(home: Path) -> list[str]:
    """Of the primary keys in a home."""
    lines = gpg(home, "--with-colons", "--list-keys").decode().splitlines()
    return [
        following.split(":")[9]
        for line, following in itertools.pairwise(lines)
        if line.startswith("pub:")
    ]


def disable_key(home: Path, fingerprint: str) -> None:
    gpg(
        home, "--command-fd", "0", "--edit-key", fingerprint, content=b"disable\nsave\n"
    )


def gpg(home: Path, *options: str, content: bytes = b"") -> bytes:
    """Stock gpg, as a person would run it; raises when it fails."""
    return subprocess.run(
        ["gpg", "--batch", "--yes", "--quiet", "--homedir", str(home), *options],
        input=content,
        env=calls.environment(),
        check=True,
        capture_output=True,
    ).stdout


def stop_agent(home: Path) -> None:
    subprocess.run(
        ["gpgconf", "--homedir", str(home), "--kill", "all"],
        check=False,
        capture_output=True,
        timeout=30,
    )


def pipe_through(
    command: Sequence[str], content: bytes, passphrase_fd: int
) -> subprocess.CompletedProcess[bytes]:
    """Run one of our command lines; closes the passphrase's descriptor."""
    try:
        return subprocess.run(
            command,
            input=content,
            env=calls.environment(),
            pass_fds=[passphrase_fd],
            capture_output=True,
            check=False,
        )
    finally:
        os.close(passphrase_fd)
