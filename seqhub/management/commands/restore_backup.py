from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from seqhub.backup import (
    RUN_KEYS,
    Backup,
    BackupError,
    open_backup,
    restore_database,
    restore_secret_key,
    run_keys_of,
)
from seqhub.backup_keys import unpack_keys
from seqhub.config import Config
from seqhub.database import database_url, embedded_postgres
from seqhub.lib.files import write_atomic
from seqhub.postgres import make_directory
from seqhub.supervisor.directory import host_path, sole_supervisor
from seqhub.supervisor.errors import Refused


class Command(BaseCommand):
    help = (
        "Bring back the database, the secret key and the wrapped keys of the archives"
        " from a backup; no key file is replaced. SeqHub must be down."
        " A restore that fails leaves what was there."
    )
    # There may be no database yet to check.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="give up the data that is there"
        )
        parser.add_argument("--yes", action="store_true", help="don't ask")

    def handle(
        self, *_args: Any, file: Path, replace: bool, yes: bool, **_options: Any
    ) -> None:
        config: Config = settings.CONFIG
        try:
            backup = open_backup(file)
            _check_not_newer(backup)
            make_directory(config.data_dir)
            make_directory(config.data_dir / "run")
            with sole_supervisor(config.data_dir):
                self._restore(config, backup, replace=replace, yes=yes)
        except (BackupError, Refused) as error:
            raise CommandError(str(error)) from None

    def _restore(
        self, config: Config, backup: Backup, *, replace: bool, yes: bool
    ) -> None:
        embedded = embedded_postgres(config)
        if embedded:
            embedded.create()
        with embedded.use() if embedded else nullcontext():
            if _holds_data():
                _check_may_replace(config, replace=replace, yes=yes)
            connection.close()
            restore_database(backup, database_url(config), config.data_dir)
        if config.secret_key_file is None:
            restore_secret_key(backup, config.secret_key_path)
        else:
            self.stdout.write(
                f"{config.secret_key_file} is the site's own and stays as it is"
            )
        self._restore_run_keys(config, backup)
        if embedded:
            # The next `up` must not take the backup's runs for another host's.
            write_atomic(host_path(config), f"{backup.host}\n".encode())
            if backup.host != config.host:
                self.stdout.write(
                    f"the data is of the host {backup.host!r}, and this one is called"
                    f" {config.host!r}: set `host: {backup.host}` in the configuration"
                )
        self.stdout.write(f"restored the backup of {backup.at} ({backup.version})")

    def _restore_run_keys(self, config: Config, backup: Backup) -> None:
        directory = config.run_keys_path
        if config.archiving.run_keys_path is None:
            make_directory(directory)
        with run_keys_of(backup) as keys:
            if keys is None:
                return
            try:
                result = unpack_keys(keys, directory)
            except OSError as error:
                # The database has them, so that nothing is lost by going on.
                self.stderr.write(
                    f"the run keys can't be put into {directory}: {error.strerror}."
                    " Once they can: seqhub keys --export"
                )
                return
        self.stdout.write(f"{directory}: {len(result.brought_back)} run keys")
        for name in result.differing:
            self.stderr.write(
                f"{directory / name} stays: it is not the one in the backup"
                f" (tar -xOf {backup.path} {RUN_KEYS} | tar -xO {name})"
            )


def _check_not_newer(backup: Backup) -> None:
    known = set(MigrationLoader(None).disk_migrations or ())
    if unknown := sorted(backup.migrations - known):
        raise BackupError(
            f"{backup.path} was written by a newer SeqHub ({backup.version}): it has"
            f" the migration {'.'.join(unknown[0])}; install that version"
        )


def _holds_data() -> bool:
    with connection.cursor() as cursor:
        return bool(connection.introspection.table_names(cursor))


def _check_may_replace(config: Config, *, replace: bool, yes: bool) -> None:
    if not replace:
        raise BackupError(
            f"the database of {config.data_dir} holds data: --replace gives it up"
        )
    if yes:
        return
    if not sys.stdin.isatty():
        raise BackupError("--replace asks first: add --yes where nobody can answer")
    answer = input(f"Give up all data of {config.data_dir}? Type yes: ")
    if answer.strip() != "yes":
        raise BackupError("nothing was changed")
