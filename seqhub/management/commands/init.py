"""`seqhub init`: a commented configuration and an empty data directory."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seqhub.config import build_config
from seqhub.config_file import read_mapping
from seqhub.lib.files import create_once, write_atomic
from seqhub.supervisor.directory import prepare_directory
from seqhub.supervisor.errors import Refused

# It may come to hold the password of a database.
MODE = 0o640


class Command(BaseCommand):
    help = (
        "Write a commented configuration file, and make the data directory that it"
        " names with its secret key."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--path",
            type=Path,
            default=Path("seqhub.yaml"),
            help="the file to write (default: seqhub.yaml)",
        )
        parser.add_argument(
            "--force", action="store_true", help="replace a file that is there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["path"].absolute()
        text = commented_configuration(os.environ.get("SEQHUB_DATA_DIR"))
        try:
            if options["force"]:
                write_atomic(file, text.encode(), mode=MODE)
            elif not create_once(file, text.encode(), mode=MODE):
                raise CommandError(f"{file} is there already; --force replaces it")
        except OSError as error:
            raise CommandError(f"{file} can't be written: {error.strerror}") from None
        values, _ = read_mapping(file)
        config = build_config(values, file.parent, file)
        try:
            prepare_directory(config)
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=refusal.exit_code) from None
        self.stdout.write(
            f"Wrote {file}, and the secret key in {config.data_dir}.\n"
            "Name your run folders in it (runfolders, monitored_directories), then:"
            " seqhub check, seqhub up"
        )


def commented_configuration(data_dir: str | None) -> str:
    """The file with every key at its default; `data_dir` is written if given."""
    text = files("seqhub").joinpath("default.yaml").read_text(encoding="utf-8")
    if data_dir is None:
        return text
    # JSON's strings are YAML's, whatever is in the name.
    value = json.dumps(str(Path(data_dir).absolute()), ensure_ascii=False)
    return text.replace("#data_dir: var", f"data_dir: {value}")
