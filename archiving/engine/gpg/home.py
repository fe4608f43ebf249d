"""Private homes for gpg: the site's keys are seen, its home is never touched.

A home below the data directory holds a copy of the public keys and a link to the
secret ones, so that locks, agents and their sockets are ours alone, and secret
keys are used where they lie and never copied.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archiving.engine.gpg import calls
from archiving.engine.gpg.agents import GRACE_S, processes_of
from archiving.engine.trouble import destination_trouble, writing
from archiving.errors import Code, Trouble
from seqhub.lib import files, processes

LOCK = "seqhub.lock"
PREFIX = "home-"
# sun_path of unix(7) holds 107 bytes and an end mark; this is the agent's longest.
SOCKET = "S.gpg-agent.browser"
SOCKET_PATH_BYTES = 107
CLOSING_LIMIT_S = 2.0
# trustdb.gpg says which keys are disabled.
COPIED = ("pubring.kbx", "pubring.gpg", "trustdb.gpg")
PRIVATE_KEYS = "private-keys-v1.d"


@contextmanager
def open_home(work_dir: Path, source: Path | None) -> Iterator[Path]:
    """A home of our own below `work_dir`, with the keys of `source`.

    `source` None is gpg's own choice: $GNUPGHOME or ~/.gnupg; one that does not
    exist has no keys. The home and every process in it are gone afterwards; those
    of a killed holder are found by `leftovers.remove_leftovers`. Raises
    Trouble: GPG_FAILED when the keys can't be read, DESTINATION_... for `work_dir`.
    """
    with writing(work_dir / PREFIX):
        home, lock = _claim(work_dir)
    try:
        _furnish(home, source or user_home())
        yield home
    finally:
        dispose(home)
        os.close(lock)


def user_home() -> Path:
    """Where gpg looks for keys when nobody says otherwise."""
    return Path(os.environ.get("GNUPGHOME") or "~/.gnupg").expanduser()


def places(work_dir: Path) -> list[tuple[Path, str]]:
    """Directories that may hold homes, with how those of `work_dir` begin.

    The second is for a `work_dir` so deep that sockets could not be bound in it.
    """
    resolved = work_dir.resolve()
    digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:8]
    return [
        (resolved, PREFIX),
        (Path(tempfile.gettempdir()).resolve(), f"seqhub-gpg-{digest}-"),
    ]


def _claim(work_dir: Path) -> tuple[Path, int]:
    """A new directory, mode 0700, and the descriptor of its lock, held."""
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (parent, prefix), fallback = places(work_dir)
    longest = parent / f"{prefix}12345678" / SOCKET
    # gpg-agent refuses a path of exactly that length, too.
    if len(os.fsencode(longest)) >= SOCKET_PATH_BYTES:
        parent, prefix = fallback
    while True:
        home = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        # Until it is locked it looks like a leftover and may be cleared away.
        if (lock := try_lock(home)) is not None:
            return home, lock


def try_lock(home: Path) -> int | None:
    """The descriptor of its lock, or None: held by a process, or the home is gone.

    The kernel lets go of the lock when its holder ends, however it ends.
    """
    try:
        lock = files.open_lock(home / LOCK)
    except FileNotFoundError:
        return None
    with suppress(FileNotFoundError):
        held = files.try_lock(lock, exclusive=True)
        if held and os.path.samestat(os.fstat(lock), (home / LOCK).stat()):
            return lock
    os.close(lock)
    return None


def _furnish(home: Path, source: Path) -> None:
    try:
        # A reader of smart cards serves one process at a time: leave it to people.
        (home / "gpg-agent.conf").write_text("disable-scdaemon\n")
        for name in COPIED:
            if (source / name).is_file():
                shutil.copyfile(source / name, home / name)
        if (source / PRIVATE_KEYS).is_dir():
            (home / PRIVATE_KEYS).symlink_to((source / PRIVATE_KEYS).resolve())
    except OSError as error:
        if files.is_disk_full(error):
            raise destination_trouble(home.parent, error) from error
        raise Trouble(
            Code.GPG_FAILED,
            f"the keys in {source} can't be read: {error.strerror}",
            "Let the user that runs SeqHub read archiving.gnupg_home.",
        ) from error


def dispose(home: Path) -> None:
    """End what works in a home, and remove it."""
    if running := processes_of(home):
        _gpgconf(home, "--kill", "all")
        # One that is about to end has lost its command line but still holds files.
        processes.end([*running, *processes_of(home)], grace_s=GRACE_S)
    # Where /run/user/UID exists gpg puts its sockets there.
    _gpgconf(home, "--remove-socketdir")
    shutil.rmtree(home)


def _gpgconf(home: Path, *options: str) -> None:
    """Ask politely; what does not listen is ended and removed all the same."""
    command = ["gpgconf", "--homedir", str(home), *options]
    with suppress(subprocess.TimeoutExpired, Trouble):
        calls.finish(command, b"", limit_s=CLOSING_LIMIT_S)
