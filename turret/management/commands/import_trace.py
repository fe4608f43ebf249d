"""`manage.py import-trace`: a run that nobody followed, from its trace file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from seqhub.lib.text import printable
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from turret.services.launching.trace_import import import_trace

FAILED, USAGE = 1, 2


class Command(BaseCommand):
    help = (
        "Take over an old run from the trace file that Nextflow wrote (-with-trace,"
        " raw or not, whatever its columns). With its log (.nextflow.log) the session,"
        " the command, and how it ended are known, too. May be repeated. Exit codes: 0"
        " it is here; 1 it is no trace file, or the run was traced here; 2 there is no"
        " such file or user."
    )

    # The work itself tells what is wrong for it.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--log", type=Path, help="the .nextflow.log of the run")
        parser.add_argument("--name", default="", help="default: the log's, the file's")
        parser.add_argument("--owner", default="", help="a user name")

    def handle(
        self,
        *args: Any,
        file: Path,
        log: Path | None,
        name: str,
        owner: str,
        **options: Any,
    ) -> None:
        user = User.objects.filter(username=owner).first() if owner else None
        if owner and user is None:
            raise CommandError(f"there is no user {printable(owner)}", returncode=USAGE)
        trace, log = _file(file), _file(log) if log else None
        if not name.isprintable():
            raise CommandError("--name must be one line of text", returncode=USAGE)
        try:
            done = import_trace(trace, log, name=name, owner=user, actor=shell_actor())
        except DomainError as error:
            raise CommandError(printable(error.message), returncode=FAILED) from None
        row = done.workflow
        word = "taken over" if done.is_new else "was here already"
        tasks = row.tasks.count()
        self.stdout.write(
            printable(
                f"{row} ({row.workflow_id}) {word}: {row.status}, {tasks:,} tasks"
            )
        )


def _file(path: Path) -> Path:
    try:
        found = path.resolve(strict=True)
        is_file = found.is_file()
    except (OSError, ValueError, RuntimeError):
        is_file = False
    if not is_file:
        raise CommandError(f"there is no file {printable(str(path))}", returncode=USAGE)
    return found
