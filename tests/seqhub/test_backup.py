from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from seqhub.backup import (
    BackupError,
    open_backup,
    restore_database,
    restore_secret_key,
    run_keys_of,
    write_backup,
)
from seqhub.backup_keys import unpack_keys
from seqhub.postgres import EmbeddedPostgres
from tests.directories import open_directory
from tests.seqhub.commands import run

MIGRATIONS = {("operations", "0001_initial")}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with open_directory() as directory:
        server = EmbeddedPostgres(directory / "data")
        server.create()
        with server.use():
            yield server


def _execute(server: EmbeddedPostgres, statement: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute(statement.encode())


def _words(server: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(server.url) as connection:
        rows = connection.execute("SELECT word FROM words ORDER BY id").fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def backup(server: EmbeddedPostgres, tmp_path: Path) -> Path:
    _execute(
        server,
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        "CREATE TABLE words (id bigint GENERATED ALWAYS AS IDENTITY, word text);"
        "INSERT INTO words (word) VALUES ('äö'), ('two')",
    )
    (tmp_path / "secret-key").write_text("the key")
    keys = tmp_path / "run_keys"
    keys.mkdir()
    (keys / "run-1.key.gpg").write_bytes(b"wrapped")
    (keys / "run å.key.gpg").write_bytes(b"")
    (keys / "run-1.key.gpg.3.partial").write_bytes(b"half")
    os.mkfifo(keys / "pipe.key.gpg")
    target = tmp_path / "seqhub.backup"
    write_backup(
        target,
        database_url=server.url,
        secret_key_path=tmp_path / "secret-key",
        run_keys=tmp_path / "run_keys",
        host="north",
        version="1.2.3",
        migrations=MIGRATIONS,
    )
    return target


def test_a_backup_brings_database_and_key_back(
    server: EmbeddedPostgres, backup: Path, tmp_path: Path
) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "run_keys",
        "secret-key",
        "seqhub.backup",
    ]
    _execute(server, "DELETE FROM words; CREATE TABLE later ()")
    opened = open_backup(backup)
    assert (opened.version, opened.host) == ("1.2.3", "north")
    assert opened.migrations == MIGRATIONS
    restore_database(opened, server.url, tmp_path)
    restore_secret_key(opened, tmp_path / "restored-key")
    assert _words(server) == ["äö", "two"]
    assert (tmp_path / "restored-key").read_text() == "the key"
    with psycopg.connect(server.url) as connection:
        found = connection.execute("SELECT to_regclass('later')").fetchone()
    assert found == (None,)


def test_run_keys_come_back_and_replace_nothing(backup: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with run_keys_of(open_backup(backup)) as keys:
        assert keys
        result = unpack_keys(keys, target)
    assert result.brought_back == ["run å.key.gpg", "run-1.key.gpg"]
    assert (target / "run-1.key.gpg").read_bytes() == b"wrapped"
    assert (target / "run-1.key.gpg").stat().st_mode & 0o777 == 0o600
    (target / "run-1.key.gpg").write_bytes(b"wrapped anew")
    (target / "run å.key.gpg").unlink()
    with run_keys_of(open_backup(backup)) as keys:
        assert keys
        again = unpack_keys(keys, target)
    assert again.brought_back == ["run å.key.gpg"]
    assert again.differing == ["run-1.key.gpg"]
    assert (target / "run-1.key.gpg").read_bytes() == b"wrapped anew"


def test_no_key_leaves_its_directory(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "tar", "w") as archive:
        for name in ("../out.key.gpg", "note.txt", "in.key.gpg"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        link = tarfile.TarInfo("link.key.gpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    (tmp_path / "keys").mkdir()
    with (tmp_path / "tar").open("rb") as file:
        assert unpack_keys(file, tmp_path / "keys").brought_back == ["in.key.gpg"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "in.key.gpg",
        "keys",
        "tar",
    ]


@pytest.mark.parametrize(
    "name", ["database.dump", "secret-key", "run-keys.tar", "manifest.json"]
)
def test_a_damaged_backup_is_refused(backup: Path, name: str) -> None:
    with tarfile.open(backup) as archive:
        offset = archive.getmember(name).offset_data
    data = bytearray(backup.read_bytes())
    data[offset + 2] ^= 0xFF
    backup.write_bytes(data)
    with pytest.raises(BackupError, match=r"is damaged|can't be read"):
        open_backup(backup)


def test_a_cut_backup_is_refused(backup: Path) -> None:
    backup.write_bytes(backup.read_bytes()[:4000])
    with pytest.raises(BackupError):
        open_backup(backup)


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 1000])
def test_another_file_is_no_backup(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(BackupError):
        open_backup(tmp_path / "file")


@pytest.mark.parametrize("broken", ["at its end", "in a statement"])
def test_a_failed_restore_leaves_the_old_state(
    server: EmbeddedPostgres, backup: Path, tmp_path: Path, broken: str
) -> None:
    """What the digests can't see: a dump that was bad when it was written."""
    opened = open_backup(backup)
    with tarfile.open(backup) as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    dump = members["database.dump"]
    if broken == "at its end":
        members["database.dump"] = dump[:-20]
    else:
        assert b"CREATE TABLE" in dump
        members["database.dump"] = dump.replace(b"CREATE TABLE", b"CREATE TABEL")
    with tarfile.open(backup, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    _execute(server, "INSERT INTO words (word) VALUES ('new')")
    with pytest.raises(BackupError, match="can't be restored"):
        restore_database(opened, server.url, tmp_path)
    assert _words(server) == ["äö", "two", "new"]


def test_a_password_is_in_no_argument_list(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="pg_dump") as caught:
        write_backup(
            tmp_path / "backup",
            database_url="postgresql://me:geheim@127.0.0.1:1/seqhub",
            secret_key_path=tmp_path / "key",
            run_keys=tmp_path / "run_keys",
            host="north",
            version="1",
            migrations=set(),
        )
    assert "geheim" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_not_there_is_told_in_plain_words(
    server: EmbeddedPostgres, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match=r"backup\.tar: No such file or directory$"):
        write_backup(
            tmp_path / "nothing" / "backup.tar",
            database_url=server.url,
            secret_key_path=tmp_path / "secret-key",
            run_keys=tmp_path / "run_keys",
            host="north",
            version="1.2.3",
            migrations=MIGRATIONS,
        )


@pytest.mark.slow
def test_the_commands_move_a_site(backup: Path) -> None:
    """From one data directory into another, with the refusals on the way."""
    with open_directory() as cwd:
        (cwd / "seqhub.yaml").write_text("host: south\n")
        unknown = run("restore-backup", "nothing", cwd=cwd)
        assert unknown.returncode == 1
        assert "nothing can't be read" in unknown.stderr
        newer = cwd / "newer"
        _with_migration(backup, newer, ("operations", "9999_future"))
        refused = run("restore-backup", "newer", cwd=cwd)
        assert "newer SeqHub" in refused.stderr
        assert not (cwd / "var" / "postgres").exists()

        restored = run("restore-backup", str(backup), cwd=cwd)
        assert restored.returncode == 0, restored.stderr
        assert (cwd / "var" / "secret-key").read_text() == "the key"
        assert "set `host: north`" in restored.stdout
        run_key = cwd / "var" / "run_keys" / "run-1.key.gpg"
        assert run_key.read_text() == "wrapped"
        run_key.write_text("another")
        for command in (["up"], ["scan"], ["check"], ["backup", "saved"]):
            refused = run(*command, cwd=cwd)
            assert refused.returncode == 2
            assert "is of the host 'north'" in refused.stderr
        (cwd / "seqhub.yaml").write_text("host: north\n")
        again = run("restore-backup", str(backup), cwd=cwd)
        assert "--replace" in again.stderr
        unasked = run("restore-backup", str(backup), "--replace", cwd=cwd)
        assert "--yes" in unasked.stderr
        done = run("restore-backup", str(backup), "--replace", "--yes", cwd=cwd)
        assert done.returncode == 0, done.stderr
        assert f"{run_key} stays: it is not the one in the backup" in done.stderr
        assert run_key.read_text() == "another"

        assert run("migrate", "-v0", cwd=cwd).returncode == 0
        saved = run("backup", "saved", cwd=cwd)
        assert saved.returncode == 0, saved.stderr
        assert ("operations", "0001_initial") in open_backup(cwd / "saved").migrations


def _with_migration(backup: Path, target: Path, migration: tuple[str, str]) -> None:
    with tarfile.open(backup) as old, tarfile.open(target, "w") as new:
        for entry in old:
            data = old.extractfile(entry).read()  # type: ignore[union-attr]
            if entry.name == "manifest.json":
                manifest = json.loads(data)
                manifest["migrations"].append(migration)
                data = json.dumps(manifest).encode()
                entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
