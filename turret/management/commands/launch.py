"""`manage.py launch`: start a pipeline from the shell."""

from __future__ import annotations

import json
import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from seqhub.lib.patience import TimedOut
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand
from turret.engine.pipelines.plain import problem_of
from turret.engine.pipelines.values import BadParams, read_params_file
from turret.errors import BadLaunch
from turret.models import ComputeEnvironment, Pipeline
from turret.services.acceptance import accept
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.submission import preview, submit

REFUSED, USAGE = 1, 2
MOST_BYTES = 4 << 20


class Command(DocumentedCommand):
    """Have a pipeline launched as soon as its turn comes; prints the launch's id.

    PIPELINE is org/repo[@revision], the address of a git repository, a directory, or
    with --saved the name of a saved pipeline. --dry-run shows the exact command, the
    names of the environment and the files instead; nothing is started.

    Exit codes: 0 done; 1 it was refused; 2 the command line is wrong.
    """

    # A disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pipeline", metavar="PIPELINE")
        parser.add_argument("--saved", action="store_true", help="a saved pipeline")
        parser.add_argument("--revision", default="", help="branch, tag or commit")
        parser.add_argument("--profile", default="")
        parser.add_argument("--name", default="", help="the run's name")
        parser.add_argument("--work-dir", default="")
        parser.add_argument(
            "--params-file", type=Path, metavar="FILE", help="YAML or JSON"
        )
        parser.add_argument(
            "--param",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="one more parameter; a value is JSON, or else text",
        )
        parser.add_argument("--compute", metavar="NAME", help="where it runs")
        parser.add_argument("--user", help="whose it is (default: an administrator)")
        parser.add_argument("--dry-run", action="store_true", help="start nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        for name, text in options.items():
            if isinstance(text, str) and (problem := problem_of(text)):
                raise CommandError(f"{name} {problem}.", returncode=USAGE)
        user = _user(options["user"])
        request = _request(options)
        try:
            if why_unchecked := accept(request, user):
                self.stderr.write(f"Its parameters are not checked: {why_unchecked}")
            if dry_run:
                self._show(request, user)
                return
            launch = submit(request, user=user, actor=shell_actor())
        except BadLaunch as error:
            lines = [f"{name}: {words}" for name, words in error.fields.items()]
            message = "\n".join(lines) or error.message
            raise CommandError(message, returncode=REFUSED) from None
        except DomainError as error:
            raise CommandError(error.message, returncode=REFUSED) from None
        except TimedOut as error:
            raise CommandError(f"{error}.", returncode=REFUSED) from None
        self.stdout.write(launch.launch_id)

    def _show(self, request: LaunchRequest, user: User) -> None:
        shown = preview(request, user=user)
        self.stdout.write(shlex.join(shown.argv))
        self.stdout.write(f"\n# environment: {' '.join(shown.environment)}")
        for name, text in shown.files.items():
            self.stdout.write(f"\n# {name}\n{text}")


def _request(options: dict[str, Any]) -> LaunchRequest:
    name = options["pipeline"]
    saved = Pipeline.objects.filter(name=name).first() if options["saved"] else None
    if options["saved"] and saved is None:
        raise CommandError(f"There is no saved pipeline {name}.", returncode=USAGE)
    return LaunchRequest(
        source="" if saved else name,
        pipeline=saved,
        revision=options["revision"],
        profile=options["profile"],
        params=_params(options["params_file"], options["param"]),
        run_name=options["name"],
        work_dir=options["work_dir"],
        compute=_compute(options["compute"]),
    )


def _params(file: Path | None, words: list[str]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if file is not None:
        try:
            with file.open("rb") as opened:
                params = read_params_file(opened.read(MOST_BYTES), file.name)
        except (OSError, BadParams) as error:
            raise CommandError(f"--params-file: {error}", returncode=USAGE) from None
    for word in words:
        key, found, value = word.partition("=")
        if not (key and found):
            raise CommandError(f"--param {word}: say KEY=VALUE", returncode=USAGE)
        try:
            params[key] = json.loads(value)
        except ValueError:
            params[key] = value
    return params


def _compute(name: str | None) -> ComputeEnvironment | None:
    if name is None:
        return None
    row = ComputeEnvironment.objects.filter(name=name).first()
    if row is None:
        known = ", ".join(ComputeEnvironment.objects.values_list("name", flat=True))
        message = f"There is no compute environment {name} (there is: {known or '-'})."
        raise CommandError(message, returncode=USAGE)
    return row


def _user(name: str | None) -> User:
    users = User.objects.filter(is_active=True)
    if name is not None:
        user = users.filter(username=name).first()
        problem = f"There is no active user {name}."
    else:
        user = users.filter(is_superuser=True).order_by("pk").first()
        problem = "There is no administrator yet: run `up` once, or name a --user."
    if user is None:
        raise CommandError(problem, returncode=USAGE)
    return user
