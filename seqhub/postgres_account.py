"""The operating system user that the embedded PostgreSQL runs as.

PostgreSQL refuses to run as root. Under root it gets a user of its own, which
also keeps it out of every file that it has no business with.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "seqhub-postgres"
# cron and sudo often leave the sbin directories out of PATH.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

USERADD_OPTIONS = (
    *("--system", "--user-group", "--no-create-home"),
    *("--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"),
)


class PostgresError(Exception):
    """The embedded database can't be used; the message says what to do."""


class DataDirectoryFull(PostgresError):
    """There is no space left for the embedded database."""


@dataclass(frozen=True)
class Account:
    """Who the server runs as. `is_other`: only root can start it."""

    uid: int
    gid: int
    name: str

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    @property
    def popen_options(self) -> dict[str, Any]:
        """Options for subprocess to run a program as the account."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make the account the owner of a path that we have just made."""
        if self.is_other:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def find_account(data_dir: Path, server_dir: Path) -> Account:
    """The owner of an existing database; else the caller, or for root the owner of
    the data directory; if that is root too, a system user made for it.

    Raises PostgresError when the caller can't act for that user.
    """
    if os.geteuid() != 0:
        owner = server_dir.stat().st_uid if server_dir.exists() else os.geteuid()
        if owner != os.geteuid():
            raise PostgresError(
                f"the database in {server_dir} belongs to {_name(owner)}: run SeqHub"
                " as the user who made it, or as root"
            )
        return _account(owner)
    for path in (server_dir, data_dir):
        if path.exists() and (owner := path.stat().st_uid) != 0:
            return _account(owner)
    return _system_account()


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        # initdb and peer authentication both look the name up.
        raise PostgresError(
            f"the user number {uid} has no name on this machine, and PostgreSQL needs"
            " one: add it to /etc/passwd, or set DATABASE_URL"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user number {uid}"


def _system_account() -> Account:
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        _make_system_account()
        entry = pwd.getpwnam(NAME)
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _make_system_account() -> None:
    useradd = shutil.which("useradd", path=SBIN)
    problem = "there is no useradd here"
    if useradd:
        done = subprocess.run(
            [useradd, *USERADD_OPTIONS, NAME],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        # 9: another process was quicker.
        if done.returncode in (0, 9):
            return
        problem = done.stderr.strip().replace("\n", " ")
    raise PostgresError(
        f"PostgreSQL can't run as root and the system user {NAME} can't be made for it"
        f" ({problem}): make it, run SeqHub as an ordinary user, or set DATABASE_URL"
    )


def check_can_enter(account: Account, directory: Path, remedy: str) -> None:
    """Raise PostgresError, naming the directory, if the account can't get there."""
    if not account.is_other or _can_enter(account, directory):
        return
    path = next(
        path
        for path in (*reversed(directory.parents), directory)
        if not _can_enter(account, path)
    )
    raise PostgresError(
        f"the directory {path} can't be entered by the user {account.name}, as whom"
        f" the database runs: allow it (chmod o+x {path}), {remedy}"
    )


def _can_enter(account: Account, directory: Path) -> bool:
    # Asked of the kernel, as that user: mode bits alone don't know of ACLs.
    done = subprocess.run(
        ["test", "-x", directory],
        stdin=subprocess.DEVNULL,
        cwd="/",
        check=False,
        **account.popen_options,
    )
    return done.returncode == 0
