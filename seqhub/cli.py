"""The command line: `manage.py` and the `seqhub` console script."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack

from django.core.management import execute_from_command_line

from seqhub.config import Config, ConfigError, load_config
from seqhub.database import embedded_postgres
from seqhub.postgres import PostgresError

# Commands that work without a database, or look after it themselves.
WITHOUT_DATABASE = frozenset(
    {
        "",
        "check",
        "collectstatic",
        "help",
        "import_config",
        "init",
        "makemigrations",
        "restore_backup",
        "simulate",
        "spectacular",
        "up",
        "version",
    }
)
# Flags of ours that hold for every command; the value follows, or `=value`.
FLAGS = {
    "--config": "SEQHUB_CONFIG",
    "--data-dir": "SEQHUB_DATA_DIR",
}
# Flags of `up` alone.
UP_FLAGS = {
    "--host": "SEQHUB_SERVER__HOST",
    "--port": "SEQHUB_SERVER__PORT",
    "--log-level": "SEQHUB_LOG_LEVEL",
}
EXIT_CONFIGURATION = 2


def main() -> None:
    """Run one command. Exit code 2: the configuration or command line is wrong."""
    arguments = take_flags(sys.argv[1:])
    command = arguments[0].replace("-", "_") if arguments else ""
    if command.startswith("_"):  # --help, --version
        command = command.strip("_")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    try:
        config = load_config()
        with ExitStack() as stack:
            if needs_database(command, arguments, config):
                embedded = embedded_postgres(config)
                if embedded:
                    stack.enter_context(embedded.use())
            if arguments and not arguments[0].startswith("-"):
                arguments[0] = command
            execute_from_command_line([sys.argv[0], *arguments])
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION)
    except PostgresError as error:
        sys.exit(f"{error}")


def needs_database(command: str, arguments: list[str], config: Config) -> bool:
    """False also for `command --help`."""
    if config.database.url or command in WITHOUT_DATABASE:
        return False
    return not {"--help", "-h", "--version"} & set(arguments)


def take_flags(arguments: list[str]) -> list[str]:
    """Move our own flags into the environment; what is left is Django's."""
    known = dict(FLAGS)
    if next((a for a in arguments if not a.startswith("-")), "") == "up":
        known |= UP_FLAGS
    left: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        flag, equals, value = argument.partition("=")
        if flag not in known:
            left.append(argument)
            continue
        if not equals:
            try:
                value = next(rest)
            except StopIteration:
                print(f"{flag}: a value must follow", file=sys.stderr)
                sys.exit(EXIT_CONFIGURATION)
        os.environ[known[flag]] = value
    return left


if __name__ == "__main__":
    main()
