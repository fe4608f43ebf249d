"""Backups: the database and the key files in one tar file.

manifest.json comes first: {"format": 1, "version", "at", "host",
"migrations": [[app, name], ...], "members": {name: sha256 in hex}}; then
database.dump, as `pg_dump --format=custom` writes it, the secret key, and
run-keys.tar with the wrapped keys of the archives (backup_keys).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from seqhub.backup_keys import pack_keys
from seqhub.lib.files import PRIVATE, fsync_directory, is_disk_full, write_atomic
from seqhub.postgres_server import binary

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
SECRET_KEY = "secret-key"  # noqa: S105 - the name of a member
RUN_KEYS = "run-keys.tar"
MANIFEST_LIMIT_BYTES = 10_000_000
# The old content goes and the new one comes in one transaction.
EMPTY_SCHEMA = b"DROP SCHEMA IF EXISTS public CASCADE;\nCREATE SCHEMA public;\n"

Migration = tuple[str, str]


class BackupError(Exception):
    """The backup or the restore failed and has changed nothing."""


@dataclass(frozen=True)
class Backup:
    """An opened backup whose members are as they were written."""

    path: Path
    version: str
    at: str
    # The one that wrote it.
    host: str
    migrations: frozenset[Migration]
    secret_key: bytes


def write_backup(
    target: Path,
    *,
    database_url: str,
    secret_key_path: Path,
    run_keys: Path,
    host: str,
    version: str,
    migrations: set[Migration],
) -> None:
    """Write a backup, 0600, whole or not at all. Raises BackupError.

    May run while SeqHub works: the dump is a snapshot of one moment.
    """
    partial = target.with_name(f"{target.name}.partial")
    dump = target.with_name(f"{target.name}.dump.partial")
    keys = target.with_name(f"{target.name}.keys.partial")
    with _disk_trouble_explained(target), _removed_after(partial, dump, keys):
        for path in (partial, dump, keys):
            path.unlink(missing_ok=True)
            path.touch(PRIVATE, exist_ok=False)
        _dump(database_url, dump)
        pack_keys(run_keys, keys)
        members = {DUMP: dump, SECRET_KEY: secret_key_path, RUN_KEYS: keys}
        manifest = {
            "format": FORMAT,
            "version": version,
            "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "host": host,
            "migrations": sorted(migrations),
            "members": {name: _file_digest(path) for name, path in members.items()},
        }
        with partial.open("wb") as file:
            with tarfile.open(fileobj=file, mode="w") as archive:
                _add(archive, MANIFEST, json.dumps(manifest).encode())
                for name, path in members.items():
                    archive.add(path, name, recursive=False)
            os.fsync(file.fileno())
        partial.replace(target)
        fsync_directory(target.absolute().parent)


def open_backup(path: Path) -> Backup:
    """Read a backup and check every byte of it. Raises BackupError."""
    try:
        with tarfile.open(path, "r:") as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST:
                raise BackupError(f"{path} is not a backup of SeqHub")
            if first.size > MANIFEST_LIMIT_BYTES:
                raise BackupError(f"{path}: its manifest is too big to be one")
            manifest = json.loads(_member(archive, MANIFEST).read())
            if manifest["format"] != FORMAT:
                raise BackupError(f"{path} was written by a newer SeqHub")
            for name, digest in manifest["members"].items():
                if _digest(_member(archive, name)) != digest:
                    raise BackupError(f"{path} is damaged: {name} is not as written")
            return Backup(
                path=path,
                version=str(manifest["version"]),
                at=str(manifest["at"]),
                host=str(manifest["host"]),
                migrations=frozenset((a, n) for a, n in manifest["migrations"]),
                secret_key=_member(archive, SECRET_KEY).read(),
            )
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{path} can't be read as a backup: {error}") from None


@contextmanager
def run_keys_of(backup: Backup) -> Iterator[IO[bytes] | None]:
    """The tar of wrapped keys; None in a backup from before there were any."""
    with tarfile.open(backup.path, "r:") as archive:
        yield _member(archive, RUN_KEYS) if RUN_KEYS in archive.getnames() else None


def restore_database(backup: Backup, database_url: str, spool: Path) -> None:
    """Replace the content of a database by the backup's. Raises BackupError.

    One transaction: after a failure or a kill the old content is there. The dump
    lies in the directory `spool` meanwhile.
    """
    with _disk_trouble_explained(spool), tempfile.TemporaryFile(dir=spool) as dump:
        with tarfile.open(backup.path, "r:") as archive:
            shutil.copyfileobj(_member(archive, DUMP), dump)
        dump.seek(0)
        descriptor = dump.fileno()
        with (
            tempfile.TemporaryFile() as trouble,
            _program(
                "pg_restore",
                *("--no-owner", "--no-privileges", "--file=-"),
                f"/dev/fd/{descriptor}",
                pass_fds=[descriptor],
                stdout=subprocess.PIPE,
                stderr=trouble,
            ) as restore,
            _program(
                "psql",
                *("--no-psqlrc", "--quiet", "--single-transaction", "--file=-"),
                *(
                    "--set=ON_ERROR_STOP=1",
                    f"--dbname={_without_password(database_url)}",
                ),
                env=_environment(database_url),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=trouble,
            ) as psql,
        ):
            whole = _pass_on(restore, psql)
            trouble.seek(0)
            if not whole:
                raise BackupError(
                    f"{backup.path} can't be restored: {_first_line(trouble.read())}"
                )


def _pass_on(restore: subprocess.Popen[bytes], psql: subprocess.Popen[bytes]) -> bool:
    """Send the script of one to the other; False if either failed.

    psql commits at the end of its input, so it is killed before the end of a script
    that is not whole.
    """
    assert restore.stdout  # noqa: S101 - as asked for
    assert psql.stdin  # noqa: S101
    with suppress(BrokenPipeError):
        psql.stdin.write(EMPTY_SCHEMA)
        shutil.copyfileobj(restore.stdout, psql.stdin)
        psql.stdin.flush()
    restore.stdout.close()
    if restore.wait() != 0:
        psql.kill()
    with suppress(BrokenPipeError):
        psql.stdin.close()
    return psql.wait() == 0 and restore.returncode == 0


def _dump(database_url: str, path: Path) -> None:
    with tempfile.TemporaryFile() as trouble:
        arguments = ("--format=custom", f"--file={path}", "--dbname")
        with _program(
            "pg_dump",
            *arguments,
            _without_password(database_url),
            env=_environment(database_url),
            stderr=trouble,
        ) as process:
            failed = process.wait() != 0
        trouble.seek(0)
        if failed:
            raise BackupError(f"pg_dump: {_first_line(trouble.read())}")


def _program(name: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([binary(name), *arguments], **options)


def _without_password(database_url: str) -> str:
    """What may stand in an argument list, which every user can read."""
    parameters = conninfo_to_dict(database_url)
    parameters.pop("password", None)
    return make_conninfo("", **parameters)


def _environment(database_url: str) -> dict[str, str]:
    password = conninfo_to_dict(database_url).get("password")
    return os.environ | ({"PGPASSWORD": str(password)} if password else {})


def _first_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return next((line for line in lines if "rror:" in line), "".join(lines[:1]))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), PRIVATE
    archive.addfile(entry, io.BytesIO(data))


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    """A member's bytes. Raises KeyError; a link or directory is none of ours."""
    file = archive.extractfile(archive.getmember(name))
    if file is None or not archive.getmember(name).isreg():
        raise KeyError(name)
    return file


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return _digest(file)


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


@contextmanager
def _removed_after(*paths: Path) -> Iterator[None]:
    try:
        yield
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


@contextmanager
def _disk_trouble_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = "the disk is full" if is_disk_full(error) else error.strerror
        raise BackupError(f"{path}: {why}") from error


def restore_secret_key(backup: Backup, path: Path) -> None:
    """Put back the key that the backup's sessions and messages are signed with."""
    write_atomic(path, backup.secret_key)
