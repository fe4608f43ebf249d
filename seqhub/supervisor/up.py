"""`up`: the whole of SeqHub in one foreground process."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.conf import settings

from seqhub import tryout
from seqhub.config import Config
from seqhub.database import embedded_postgres
from seqhub.lib import queues
from seqhub.lib.stopping import Interrupted, StopRequests
from seqhub.postgres import DataDirectoryFull, EmbeddedPostgres, PostgresError
from seqhub.supervisor.child import Child
from seqhub.supervisor.directory import (
    claim_host,
    disk_trouble_explained,
    prepare_directory,
    sole_supervisor,
)
from seqhub.supervisor.errors import ExitCode, Refused
from seqhub.supervisor.journal import Journal
from seqhub.supervisor.loop import Supervisor
from seqhub.supervisor.output import Handler, Output
from seqhub.supervisor.preparation import (
    ADMINISTRATOR,
    collect_static,
    prepare_database,
)
from seqhub.supervisor.record import MARK, Record
from seqhub.supervisor.sockets import GRACE_S, listen
from seqhub.supervisor.systemd import notify_systemd

# Without -P the current directory would come first on the import path.
PYTHON = (sys.executable, "-P", "-m")
# Not imported: gunicorn is not for the supervisor's memory.
WEB = "seqhub.supervisor.web"
# For our supervisor alone; gunicorn would answer systemd in our place.
NOT_INHERITED = (
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
    "Q_CLUSTER_NAME",
    "SEQHUB_ROLE",
)

# Loading takes the processors; the web server, which people wait for, goes first.
HEAD_START_S = 2


def run_up(config: Config) -> None:
    """Serve until stopped. Raises Refused when that can't be done."""
    stop = StopRequests()
    stop.install()
    output = Output(sys.stdout, config.log_file)
    logging.getLogger().handlers = [Handler(output)]
    try:
        with ExitStack() as stack:
            try:
                with stop.interrupting():
                    supervisor, told = _start(config, stop, output, stack)
            except Interrupted:
                output.say("stopped while starting")
                return
            for line in told:
                output.say(line)
            notify_systemd("READY=1")
            supervisor.run()
        output.say("stopped")
    finally:
        output.close()


def _start(
    config: Config, stop: StopRequests, output: Output, stack: ExitStack
) -> tuple[Supervisor, list[str]]:
    """Everything up to the running children; `stack` undoes it."""
    prepare_directory(config)
    with disk_trouble_explained(config.data_dir):
        stack.enter_context(sole_supervisor(config.data_dir))
        claim_host(config)
        # What clients asked for is over; the configuration's level counts again.
        settings.LOG_LEVEL_FILE.unlink(missing_ok=True)
        record = Record(config.data_dir)
        for session in record.end_leftovers():
            output.say(f"ended session {session} of a killed up", "WARNING")
    sockets = listen(config.server.host, config.server.port)
    for listening in sockets:
        stack.callback(listening.close)
    embedded = embedded_postgres(config)
    shared_lock = stack.enter_context(_database(embedded, output))
    password = prepare_database(config, output.say)
    with disk_trouble_explained(config.data_dir):
        collect_static(output.say)
        if config.is_tryout:
            tryout.prepare(config, output.say)
    journal = Journal(config.host)
    stack.callback(journal.close)
    supervisor = Supervisor(
        _children(config, record.mark, sockets, shared_lock),
        embedded=embedded,
        sockets=sockets,
        stop=stop,
        output=output,
        journal=journal,
        record=record,
    )
    return supervisor, summary(config, password)


@contextmanager
def _database(
    embedded: EmbeddedPostgres | None, output: Output
) -> Iterator[Sequence[int]]:
    """Keep the embedded database running, if it is ours; yields its lock."""
    if embedded is None:
        yield ()
        return
    try:
        if not embedded.exists:
            output.say(f"making the database in {embedded.directory}")
            embedded.create()
        with embedded.use() as lock:
            yield (lock,)
    except DataDirectoryFull as error:
        raise Refused(ExitCode.DIRECTORY, str(error)) from error
    except PostgresError as error:
        raise Refused(ExitCode.DATABASE, str(error)) from error


def _children(
    config: Config,
    mark: str,
    sockets: Sequence[socket.socket],
    shared_lock: Sequence[int],
) -> list[Child]:
    env = {name: os.environ[name] for name in os.environ if name not in NOT_INHERITED}
    env |= {MARK: mark, "SEQHUB_LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1"}
    if config.file:
        env["SEQHUB_CONFIG"] = str(config.file.absolute())
    descriptors = [listening.fileno() for listening in sockets]
    children = [
        Child(
            "web",
            [*PYTHON, WEB, *map(str, descriptors)],
            {**env, "SEQHUB_ROLE": "web"},
            pass_fds=[*descriptors, *shared_lock],
            patience_s=GRACE_S + 10,
        )
    ]
    for name, queue in (
        ("default", queues.DEFAULT),
        ("local", queues.local(config.host)),
        ("long", queues.long(config.host)),
    ):
        children.append(
            Child(
                name,
                [*PYTHON, "seqhub.cli", "qcluster"],
                {**env, "SEQHUB_ROLE": "cluster", "Q_CLUSTER_NAME": queue},
                pass_fds=shared_lock,
                next_start_at=time.monotonic() + HEAD_START_S,
            )
        )
    if config.is_tryout:
        children += [
            Child(
                name,
                argv,
                env,
                pass_fds=shared_lock,
                runs_once=True,
                patience_s=5,
                next_start_at=time.monotonic() + HEAD_START_S,
            )
            for name, argv in tryout.commands(config).items()
        ]
    return children


def summary(config: Config, password: str | None) -> list[str]:
    """The short table that tells people where to go."""
    server = config.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = str(server.public_url or f"http://{host}:{server.port}").rstrip("/")
    secret = config.data_dir / "admin-password"
    user = ADMINISTRATOR
    if password:
        user += f", password {password} (kept in {secret})"
    elif secret.exists():
        user += f" (first password in {secret})"
    lines = [
        f"console   {url}/admin/",
        f"user      {user}",
        f"data      {config.data_dir}",
        *_work(config),
    ]
    if config.is_tryout:
        lines.append(
            "Try-out mode, for there is no configuration file: `seqhub init` writes one"
        )
    return lines


def _work(config: Config) -> list[str]:
    """Whose runs are watched, and what is sealed to where for whom."""
    section = config.archiving
    watched = [str(root.path) for root in config.runfolders.monitored_directories]
    sources = list(watched)
    if section.sequencing_path:
        sources.insert(0, str(section.sequencing_path))
    if not sources:
        return ["watching  nothing (runfolders.monitored_directories)"]
    lines = [f"watching  {', '.join(watched)}"] if watched else []
    if section.is_on:
        lines += [
            f"sealing   runs of {', '.join(sources)}",
            f"          into {section.destination_path}",
            f"          for {', '.join(section.gpg_receivers)}",
        ]
    elif section.destination_path or section.gpg_receivers or section.sequencing_path:
        lacking = "gpg_receivers" if section.destination_path else "destination_path"
        lines.append(f"sealing   nothing (archiving.{lacking})")
    return lines
