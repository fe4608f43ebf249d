"""`seqhub import-config --arteria app.config`: our configuration from Arteria's."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seqhub.config import ARTERIA_KEYS, Config, build_config
from seqhub.config_file import Unreadable, read_mapping
from seqhub.lib.files import create_once

MODE = 0o640

TEMPLATE = """\
# Written by `seqhub import-config` from {source}.
# `seqhub init` writes a file that explains every key.

server:
  # As in Arteria, every address. A proxy with TLS should stand in front.
  host: 0.0.0.0
  port: {port}
  # The names and addresses under which clients call this machine.
  allowed_hosts: {hosts}

api:
  # Arteria asked for no token. Give your clients one (`seqhub token create`), or
  # name the networks of those that can't send one, as in [10.1.0.0/16].
  open_to: []

runfolders:
  monitored_directories: {directories}
  # Arteria's rule: the instrument's marker is there and old enough. `platform`
  # knows more of each instrument, failed and stalled runs included.
  completion: arteria
  completed_marker_grace_minutes: {grace}
  can_create_runfolder: {can_create}
"""


class Command(BaseCommand):
    help = "Write a SeqHub configuration that does what an Arteria service did."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--arteria",
            type=Path,
            required=True,
            metavar="APP_CONFIG",
            help="the app.config of arteria-runfolder",
        )
        parser.add_argument(
            "--output",
            type=Path,
            help="the file to write; it must not exist (default: standard output)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source: Path = options["arteria"]
        try:
            values, repeated = read_mapping(source)
        except Unreadable as error:
            raise CommandError(f"{source}: {error}") from None
        known = {key: values[key] for key in ARTERIA_KEYS if key in values}
        # Raises ConfigError, which names every mistake.
        config = build_config(known, source.absolute().parent, source, repeated)
        text = our_configuration(config, source)
        if "port" not in known:
            self.stderr.write(
                f"{source} names no port (Arteria has it on its command line):"
                f" {config.server.port} was written"
            )
        unknown = {key: values[key] for key in values if key not in ARTERIA_KEYS}
        for key, value in unknown.items():
            line = f"{key}: {json.dumps(value, default=str)}"
            text += f"\n# Not taken over, SeqHub has no such key: {line}"
            self.stderr.write(f"{source}: {key} is not taken over (no such key)")
        if (source.parent / "logger.config").exists():
            self.stderr.write(
                "logger.config is not taken over: SeqHub logs to standard error,"
                " and log_level says how much"
            )
        self._write(text.rstrip() + "\n", options["output"])

    def _write(self, text: str, output: Path | None) -> None:
        if output is None:
            self.stdout.write(text, ending="")
            return
        try:
            if not create_once(output, text.encode(), mode=MODE):
                raise CommandError(f"{output} is there already")
        except OSError as error:
            raise CommandError(f"{output} can't be written: {error.strerror}") from None
        self.stderr.write(f"Wrote {output}; look it through, then: seqhub check")


def our_configuration(config: Config, source: Path) -> str:
    """The YAML text of what Arteria knew, and of what it did without saying."""
    section = config.runfolders
    values = {
        "port": config.server.port,
        "hosts": [socket.getfqdn()],
        "directories": [str(root.path) for root in section.monitored_directories],
        "grace": section.completed_marker_grace_minutes or 0,
        "can_create": section.can_create_runfolder,
    }
    # JSON is YAML, and quotes what needs it.
    return TEMPLATE.format(
        source=source.name,
        **{key: json.dumps(value, ensure_ascii=False) for key, value in values.items()},
    )
