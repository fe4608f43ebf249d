"""The data directory, before Django is there: its lock, secret key and host."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqhub.config import Config
from seqhub.lib.files import Locked, create_once, is_disk_full, locked
from seqhub.postgres import make_directory
from seqhub.supervisor.errors import ExitCode, Refused


def prepare_directory(config: Config) -> None:
    """Make the data directory and the secret key where missing. Raises Refused.

    Must come before Django's settings are read: they hold the key.
    """
    with disk_trouble_explained(config.data_dir):
        make_directory(config.data_dir)
        make_directory(config.data_dir / "run")
        # A key file that the site names is the site's: a typing error must not
        # give each start a new key.
        if config.secret_key_file is None:
            key = secrets.token_urlsafe(64)
            create_once(config.secret_key_path, key.encode())
        elif not config.secret_key_file.is_file():
            raise Refused(
                ExitCode.CONFIGURATION,
                f"secret_key_file: there is no file {config.secret_key_file}",
            )


def claim_host(config: Config) -> None:
    """Record whose data this is, the first time. Raises Refused.

    Under another name every run would be another run, and be handed out again.
    """
    with disk_trouble_explained(config.data_dir):
        create_once(host_path(config), f"{config.host}\n".encode())
    check_host(config)


def check_host(config: Config) -> None:
    """Raises Refused where the data directory belongs to another host."""
    file = host_path(config)
    with disk_trouble_explained(config.data_dir):
        try:
            recorded = file.read_text(errors="replace").strip()
        except FileNotFoundError:
            return
    if recorded != config.host:
        raise Refused(
            ExitCode.CONFIGURATION,
            f"host: the data in {config.data_dir} is of the host {recorded!r}, and"
            f" this one is called {config.host!r}: set `host: {recorded}` in the"
            f" configuration, or remove {file} if this really is a new host (its"
            " runs are then registered afresh)",
        )


def host_path(config: Config) -> Path:
    """The file that holds the name of the host whose data this is."""
    return config.data_dir / "host"


@contextmanager
def sole_supervisor(data_dir: Path) -> Iterator[None]:
    """Be the only `up` on this data directory. Raises Refused."""
    path = data_dir / "run" / "up.lock"
    try:
        with locked(path, wait=False) as descriptor:
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
    except Locked:
        raise Refused(
            ExitCode.ALREADY_RUNNING,
            f"SeqHub is already up on {data_dir} (process {path.read_text().strip()})",
        ) from None


@contextmanager
def disk_trouble_explained(path: Path) -> Iterator[None]:
    """Turn an OSError into a Refused that names the directory."""
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            why = "there is no space left on its disk"
        else:
            why = f"can't be written: {error.strerror or error}"
            if error.filename and Path(error.filename) != path:
                why += f" ({error.filename})"
        raise Refused(
            ExitCode.DIRECTORY, f"the data directory {path}: {why}"
        ) from error
