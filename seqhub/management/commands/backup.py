from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from seqhub.backup import BackupError, write_backup
from seqhub.database import database_url


class Command(BaseCommand):
    help = (
        "Write the database, the secret key and the wrapped keys of the archives into"
        " one file, which holds secrets. The archives themselves are not in it, nor the"
        " manifests, which lie encrypted beside the archives."
        " May run while SeqHub is up. An older file of that name is replaced once the"
        " new one is whole."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *_args: Any, file: Path, **_options: Any) -> None:
        try:
            write_backup(
                file,
                database_url=database_url(settings.CONFIG),
                secret_key_path=settings.CONFIG.secret_key_path,
                run_keys=settings.CONFIG.run_keys_path,
                host=settings.CONFIG.host,
                version=settings.VERSION,
                migrations=set(MigrationRecorder(connection).applied_migrations()),
            )
        except BackupError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{file}: {file.stat().st_size} bytes")
