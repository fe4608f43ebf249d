"""Making the database ready for this version: what comes before the children."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from seqhub.config import Config
from seqhub.lib.files import write_atomic
from seqhub.operations.services.roles import sync_roles
from seqhub.schedules import ring_all, sync_schedules
from seqhub.supervisor.errors import ExitCode, Refused
from turret.services.launching.environments import configured_compute

# Several hosts may start on one database at once: one prepares, the others wait.
_LOCK = 7_061_002
ADMINISTRATOR = "admin"


def prepare_database(config: Config, say: Callable[[str], None]) -> str | None:
    """Migrate, make the roles, the first administrator, the schedules and this host's
    compute environment.

    Returns the administrator's new password if there was none before. Raises
    Refused; a database that is newer than this code is left untouched.
    """
    with _database_trouble_explained():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            _migrate(say)
            sync_roles()
            password = _make_administrator(config.data_dir / "admin-password")
            sync_schedules(config.host)
            # Launches and saved pipelines may name it from the first moment on.
            configured_compute()
            ring_all(config.host)
        finally:
            # Gives the lock back, too, and leaves no idle connection.
            connection.close()
    return password


def check_not_newer(executor: MigrationExecutor) -> None:
    """Raise Refused if the database has migrations that this code lacks."""
    loader = executor.loader
    unknown = sorted(set(loader.applied_migrations) - set(loader.disk_migrations))
    if unknown:
        raise Refused(
            ExitCode.NEWER_DATABASE,
            f"the database was made by a newer SeqHub than this {settings.VERSION}:"
            f" it has the migration {'.'.join(unknown[0])}; install that version",
        )


def _migrate(say: Callable[[str], None]) -> None:
    executor = MigrationExecutor(connection)
    check_not_newer(executor)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        say(f"migrating the database ({len(plan)} steps)")
        call_command("migrate", interactive=False, verbosity=0)


def _make_administrator(password_path: Path) -> str | None:
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists():
        return None
    if users.filter(username=ADMINISTRATOR).exists():
        # Somebody's account, and not ours to promote.
        return None
    password = secrets.token_urlsafe(12)
    # The file first: an administrator whose password nobody knows is of no use.
    write_atomic(password_path, f"{password}\n".encode())
    users.create_superuser(username=ADMINISTRATOR, password=password)
    return password


def collect_static(say: Callable[[str], None]) -> None:
    """Copy the static files to where they are served from, if they have changed."""
    stamp = Path(settings.STATIC_ROOT) / ".stamp"
    wanted = _static_digest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    say("collecting static files")
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    write_atomic(stamp, wanted.encode())


def _static_digest() -> str:
    digest = hashlib.sha256(settings.VERSION.encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


@contextmanager
def _database_trouble_explained() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        code = ExitCode.DATABASE
        if "No space left on device" in str(error):
            code = ExitCode.DIRECTORY
        raise Refused(code, f"the database: {line}") from error
