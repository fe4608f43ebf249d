"""`seqhub import-config`: our configuration from those of the old services."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from seqhub.config import ARTERIA_KEYS, DATAFLOW_KEYS, Config, build_config
from seqhub.config_file import Unreadable, read_mapping
from seqhub.lib.files import create_once

MODE = 0o640

TEMPLATE = """\
# Written by `seqhub import-config` from {source}.
# `seqhub init` writes a file that explains every key.
"""

ARTERIA = """
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

LOGGING = """
log_level: {log_level}
log_file: {log_file}
"""

DATAFLOW = """
archiving:
  sequencing_path: {sequencing_path}
  destination_path: {destination_path}
  # dataflow_archive kept them in the home directory of its user. They are needed
  # to open, verify and adopt its archives.
  run_keys_path: {run_keys_path}
  # One more person at least should be able to open the archives.
  gpg_receivers: {gpg_receivers}
  # Directories below which staff may have runs restored.
  restore_roots: []
  ignore: {ignore}
  tar_exclusions: {tar_exclusions}
  # dataflow_archive took any such file for a finished transfer, also that of one
  # that had failed. `content: ""` does so again.
  sentinel: {{name: .metadata_rsync_exitcode, content: "0"}}
"""

# dataflow_archive's newer names of one key; it wrote two logs.
LOG_FILES = ("log_file", "encrypt_log_file", "archive_log_file")
# Its CouchDB, in whose place our database has come.
NOT_NEEDED = "statusdb"


class Command(BaseCommand):
    help = (
        "Write a SeqHub configuration that does what the old services did: Arteria's"
        " runfolder service, dataflow_archive, or both."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--arteria",
            type=Path,
            metavar="APP_CONFIG",
            help="the app.config of arteria-runfolder",
        )
        parser.add_argument(
            "--dataflow",
            type=Path,
            metavar="DF_ARCHIVE_YAML",
            help="the df_archive.yaml of dataflow_archive",
        )
        parser.add_argument(
            "--output",
            type=Path,
            help="the file to write; it must not exist (default: standard output)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        imports: dict[str, Callable[[Path], str]] = {
            "dataflow": self._dataflow,
            "arteria": self._arteria,
        }
        sources = {name: options[name] for name in imports if options[name]}
        if not sources:
            raise CommandError("name an old configuration: --arteria, --dataflow")
        names = " and ".join(source.name for source in sources.values())
        text = TEMPLATE.format(source=names)
        text += "".join(imports[name](source) for name, source in sources.items())
        self._write(text.rstrip() + "\n", options["output"])

    def _arteria(self, source: Path) -> str:
        values, repeated = _read(source)
        known = {key: values[key] for key in ARTERIA_KEYS if key in values}
        # Raises ConfigError, which names every mistake.
        config = build_config(known, source.absolute().parent, source, repeated)
        if "port" not in known:
            self.stderr.write(
                f"{source} names no port (Arteria has it on its command line):"
                f" {config.server.port} was written"
            )
        left = self._left(source, values, known)
        if (source.parent / "logger.config").exists():
            self.stderr.write(
                "logger.config is not taken over: SeqHub logs to standard error,"
                " log_file names a file, and log_level says how much"
            )
        return arteria_part(config) + left

    def _dataflow(self, source: Path) -> str:
        values, repeated = _read(source)
        known = {key: values[key] for key in DATAFLOW_KEYS if key in values}
        if log_files := [key for key in LOG_FILES if key in values]:
            known["log_file"] = values[log_files[0]]
        if "log_level" in values:
            known["log_level"] = values["log_level"]
        config = build_config(known, source.absolute().parent, source, repeated)
        if NOT_NEEDED in values:
            self.stderr.write(
                f"{source}: {NOT_NEEDED} is no longer needed: SeqHub keeps the statuses"
                " itself. Bring them over from a dump of"
                " DATABASE/_all_docs?include_docs=true: seqhub import-statusdb FILE"
            )
        for key in log_files[1:]:
            self.stderr.write(f"{source}: {key} is not needed: SeqHub has one log")
        self.stderr.write(
            f"run_keys_path: {home_keys()} was written, in your home directory."
            " dataflow_archive kept its keys in the home of the user that ran it:"
            " correct it if that is another"
        )
        taken = [*known, *log_files, NOT_NEEDED]
        return dataflow_part(config) + self._left(source, values, taken)

    def _left(
        self, source: Path, values: dict[Any, Any], taken: Collection[str]
    ) -> str:
        """Comments that keep what is not taken over, which is also told."""
        text = ""
        for key in [key for key in values if key not in taken]:
            line = f"{key}: {json.dumps(values[key], default=str)}"
            text += f"\n# Not taken over, SeqHub has no such key: {line}\n"
            self.stderr.write(f"{source}: {key} is not taken over (no such key)")
        return text

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


def _read(source: Path) -> tuple[dict[Any, Any], list[str]]:
    try:
        return read_mapping(source)
    except Unreadable as error:
        raise CommandError(f"{source}: {error}") from None


def arteria_part(config: Config) -> str:
    """The YAML text of what Arteria knew, and of what it did without saying."""
    section = config.runfolders
    values = {
        "port": config.server.port,
        "hosts": [socket.getfqdn()],
        "directories": [str(root.path) for root in section.monitored_directories],
        "grace": section.completed_marker_grace_minutes or 0,
        "can_create": section.can_create_runfolder,
    }
    return _filled(ARTERIA, values)


def dataflow_part(config: Config) -> str:
    """The YAML text of what dataflow_archive knew, or had fixed in its code."""
    section = config.archiving
    values = {
        "sequencing_path": _text(section.sequencing_path),
        "destination_path": _text(section.destination_path),
        "run_keys_path": str(home_keys()),
        "gpg_receivers": section.gpg_receivers,
        "ignore": section.ignore,
        "tar_exclusions": section.tar_exclusions,
    }
    logging = {"log_level": config.log_level, "log_file": _text(config.log_file)}
    return _filled(LOGGING, logging) + _filled(DATAFLOW, values)


def home_keys() -> Path:
    """Where dataflow_archive would keep its keys if we ran it."""
    return Path("~/run_keys").expanduser()


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def _filled(template: str, values: dict[str, Any]) -> str:
    # JSON is YAML, and quotes what needs it.
    return template.format(
        **{key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}
    )
