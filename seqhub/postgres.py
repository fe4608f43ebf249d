"""The embedded PostgreSQL in the data directory, shared by all that need it.

Every process that uses it holds a shared lock; the first one in starts the
server, the last one out stops it. A mutex guards those two decisions. Locks die
with their holders, so after a kill -9 of all of them the server is left running
and the next user simply finds it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from seqhub import postgres_server
from seqhub.lib.files import fsync_directory, is_disk_full, locked, open_lock, try_lock
from seqhub.postgres_account import (
    Account,
    DataDirectoryFull,
    PostgresError,
    check_can_enter,
    find_account,
)
from seqhub.postgres_server import DATABASE, ROLE, SOCKET_NAME, Server

__all__ = ["DataDirectoryFull", "EmbeddedPostgres", "NoDatabase", "PostgresError"]

# sockaddr_un.sun_path holds 108 bytes, the final zero included (unix(7)).
SOCKET_PATH_LIMIT_BYTES = 107


class NoDatabase(PostgresError):
    """The data directory holds no database yet."""


class EmbeddedPostgres:
    """PostgreSQL in `<data_dir>/postgres`. Making the object touches nothing."""

    def __init__(self, data_dir: Path) -> None:
        # Resolved, so that all spellings of one directory mean one socket.
        self.data_dir = data_dir.resolve()
        self.directory = self.data_dir / "postgres"
        self.run_dir = self.data_dir / "run"
        self.socket_dir = _socket_dir(self.run_dir)

    @property
    def exists(self) -> bool:
        return self.directory.exists()

    @property
    def url(self) -> str:
        host = quote(str(self.socket_dir), safe="/")
        return f"postgresql:///{DATABASE}?host={host}&user={ROLE}"

    @property
    def is_running(self) -> bool:
        return self.exists and self._server.running() is not None

    def create(self) -> None:
        """Make the database unless it is there. Raises PostgresError.

        It appears whole or not at all, also after a kill -9 on the way.
        """
        with self._explained():
            make_directory(self.data_dir)
            self._make_run_dir()
            with self._mutex():
                if self.exists:
                    return
                self._check_reachable(self._server.account)
                partial = self.data_dir / "postgres.partial"
                postgres_server.remove_partial(partial)
                try:
                    partial.mkdir(0o700)
                    self._server.account.own(partial)
                    postgres_server.initialise(partial, self._server.account)
                except BaseException:
                    postgres_server.remove_partial(partial)
                    raise
                partial.rename(self.directory)
                fsync_directory(self.data_dir)

    @contextmanager
    def use(self) -> Iterator[int]:
        """Keep the server running for the length of the block.

        Yields the descriptor of the shared lock: a child that inherits it keeps the
        server running until its own end. Raises PostgresError, NoDatabase.
        """
        if not self.exists:
            raise NoDatabase(
                f"there is no SeqHub database in {self.data_dir}: run `up` first, or"
                " name the data directory (data_dir, SEQHUB_DATA_DIR)"
            )
        with self._explained():
            self._make_run_dir()
            with self._mutex():
                users = open_lock(self._users)
                self._own(self._users)
                fcntl.flock(users, fcntl.LOCK_SH)
                try:
                    self._start_if_needed()
                except BaseException:
                    os.close(users)
                    raise
        try:
            yield users
        finally:
            with self._mutex():
                os.close(users)
                self._stop_if_unused()

    def ensure_running(self) -> bool:
        """For the supervisor, who holds `use()`: True if it had to be started."""
        with self._explained(), self._mutex():
            return self._start_if_needed()

    @cached_property
    def _server(self) -> Server:
        return Server(
            self.directory,
            self.socket_dir,
            self.data_dir / "postgres.log",
            find_account(self.data_dir, self.directory),
        )

    @property
    def _users(self) -> Path:
        return self.run_dir / "postgres.users"

    @contextmanager
    def _mutex(self) -> Iterator[None]:
        path = self.run_dir / "postgres.mutex"
        with locked(path):
            self._own(path)
            yield

    def _start_if_needed(self) -> bool:
        if self._server.running():
            return False
        self._check_reachable(self._server.account)
        make_socket_dir(self.socket_dir, self._server.account)
        self._server.start()
        return True

    def _stop_if_unused(self) -> None:
        # By a descriptor of its own: a child that inherited ours is a user too.
        users = open_lock(self._users)
        try:
            if try_lock(users, exclusive=True):
                self._server.stop()
        finally:
            os.close(users)

    def _check_reachable(self, account: Account) -> None:
        check_can_enter(
            account,
            self.data_dir,
            "or choose another data directory (data_dir, SEQHUB_DATA_DIR)",
        )
        check_can_enter(
            account,
            postgres_server.binary("postgres").parent,
            "or install SeqHub elsewhere",
        )

    def _make_run_dir(self) -> None:
        make_directory(self.run_dir)
        self._own(self.run_dir)

    def _own(self, path: Path) -> None:
        """What root makes in a user's data directory must stay of use to the user."""
        own_like(path, self.data_dir)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise DataDirectoryFull(
                    f"{self.data_dir}: there is no space left on the disk"
                ) from error
            raise PostgresError(
                f"the data directory {self.data_dir} can't be used: {error}"
            ) from error


def own_like(path: Path, model: Path) -> None:
    """As root, give `path` the owner that `model` has."""
    if os.geteuid() == 0:
        owner = model.stat()
        if path.stat(follow_symlinks=False).st_uid != owner.st_uid:
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def make_directory(path: Path) -> None:
    """Make a private directory and its parents; an existing one stays as it is.

    As root it can be entered, not listed, by others: the server is another user.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(exist_ok=True)
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _socket_dir(run_dir: Path) -> Path:
    near = run_dir / "postgres"
    if len(os.fsencode(near / SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES:
        return near
    # The same for every process of the machine, so not $XDG_RUNTIME_DIR.
    digest = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:16]
    return Path("/tmp") / f"seqhub-{digest}"  # noqa: S108 - see make_socket_dir


def make_socket_dir(path: Path, account: Account) -> None:
    """Make the directory of the socket, open to the server and root alone.

    Its name in /tmp can be foreseen, so what lies there may be another user's: it
    is used only if it is a real directory, the account's own and closed to others.
    """
    try:
        path.mkdir(0o700)
        account.own(path)
    except FileExistsError:
        found = path.lstat()
        if (
            not stat.S_ISDIR(found.st_mode)
            or found.st_uid not in (account.uid, os.geteuid())
            or stat.S_IMODE(found.st_mode) & 0o077
        ):
            raise PostgresError(
                f"{path} is not a private directory of {account.name}, and the database"
                " needs it for its socket: remove it, or use a shorter data_dir"
            ) from None
        account.own(path)
