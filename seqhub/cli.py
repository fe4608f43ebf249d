"""The command line: `manage.py` and the `seqhub` console script."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack

from django.core.management import execute_from_command_line

from seqhub.config import Config, ConfigError, load_config
from seqhub.database import embedded_postgres
from seqhub.postgres import PostgresError, own_like
from seqhub.supervisor.directory import (
    check_host,
    claim_host,
    host_path,
    prepare_directory,
)
from seqhub.supervisor.errors import Refused
from seqhub.version import VERSION

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
# Commands that write a configuration: the one in use may be missing or broken.
WRITING_CONFIGURATION = frozenset({"import_config", "init"})
# Commands that write down the host's name, and the one that says what is wrong; `up`
# looks for itself.
OF_ONE_HOST = frozenset(
    {
        "archive",
        "backup",
        "check",
        "import_statusdb",
        "keys",
        "launch",
        "launches",
        "restore",
        "rewrap",
        "scan",
        "verify",
    }
)
# Commands that may come before the first `up`: they make the database that they fill.
MAKING_DATABASE = frozenset({"import_statusdb", "import_trace", "import_turret"})
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
EXIT_PIPE_CLOSED = 128 + signal.SIGPIPE  # as a shell says of it


def main() -> None:
    """Run one command. Exit code 2: the configuration or command line is wrong."""
    try:
        try:
            run(take_flags(sys.argv[1:]))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Who read it has enough, as `| head` has. Nor may the interpreter complain
        # when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_PIPE_CLOSED)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(EXIT_CONFIGURATION)
    except Refused as refusal:
        print(f"seqhub: {refusal}", file=sys.stderr)
        sys.exit(refusal.exit_code)
    except PostgresError as error:
        sys.exit(f"{error}")


def run(arguments: list[str]) -> None:
    """Run one command with all that it needs. Raises ConfigError and others."""
    command = arguments[0].replace("-", "_").strip("_") if arguments else ""
    if command == "version":
        print(VERSION)
        return
    if command in WRITING_CONFIGURATION:
        arguments = set_configuration_aside(command, arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    config = load_config()
    if command in OF_ONE_HOST and not asks_for_help(arguments):
        check_host(config)
    makes_database = command in MAKING_DATABASE and not asks_for_help(arguments)
    with ExitStack() as stack:
        embedded = embedded_postgres(config)
        if embedded and needs_database(command, arguments, config):
            if makes_database:
                embedded.create()
                record_host(config)
            stack.enter_context(embedded.use())
        if makes_database:
            migrate = ["migrate", "--no-input", "--verbosity=0", "--skip-checks"]
            execute_from_command_line([sys.argv[0], *migrate])
        if command == "up" and not asks_for_help(arguments):
            # Before Django is loaded, which reads both.
            prepare_directory(config)
            os.environ["SEQHUB_ROLE"] = "up"
        if arguments and not arguments[0].startswith("-"):
            arguments[0] = command
        execute_from_command_line([sys.argv[0], *arguments])


def record_host(config: Config) -> None:
    """Whose data this is, where `up` has not said so yet. Raises Refused."""
    claim_host(config)
    own_like(host_path(config), config.data_dir)


def needs_database(command: str, arguments: list[str], config: Config) -> bool:
    """False also for `command --help`."""
    if config.database.url or command in WITHOUT_DATABASE:
        return False
    return not asks_for_help(arguments)


def asks_for_help(arguments: list[str]) -> bool:
    return bool({"--help", "-h", "--version"} & set(arguments))


def set_configuration_aside(command: str, arguments: list[str]) -> list[str]:
    """Read no file in this process. A named one is what `init` is to write."""
    named = os.environ.get("SEQHUB_CONFIG")
    os.environ["SEQHUB_CONFIG"] = os.devnull
    if command == "init" and named:
        return [arguments[0], "--path", named, *arguments[1:]]
    return arguments


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
