"""The web server: gunicorn on sockets that `up` has opened.

Run as `python -m seqhub.supervisor.web FD...`.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from seqhub.supervisor.sockets import GRACE_S

WORKERS = 2
THREADS = 4


class QuietLogger(Logger):  # type: ignore[misc]
    """Writes as all of SeqHub does, through Django's logging settings."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        # A client that fell silent in the middle of a request (sockets.SILENCE_S).
        if isinstance(sys.exc_info()[1], BlockingIOError):
            self.debug(msg, *args, **kwargs)
            return
        super().exception(msg, *args, **kwargs)


def share_memory(_server: object) -> None:
    """Keep the garbage collector from writing to pages that workers share."""
    gc.collect()
    gc.freeze()


class Application(BaseApplication):  # type: ignore[misc]
    """Our WSGI application on inherited sockets.

    BaseApplication reads no configuration file and no variables of gunicorn's,
    and does not put the current directory first on the import path.
    """

    def __init__(self, descriptors: list[int]) -> None:
        self._descriptors = descriptors
        super().__init__()

    def load_config(self) -> None:
        values = {
            "bind": [f"fd://{descriptor}" for descriptor in self._descriptors],
            "worker_class": "gthread",
            "workers": WORKERS,
            "threads": THREADS,
            # Loaded before the fork, so that the workers share its memory. Nothing
            # queries the database meanwhile: its pool would not survive the fork.
            "preload_app": True,
            "when_ready": share_memory,
            "graceful_timeout": GRACE_S,
            "timeout": 60,
            # Longer than clients keep an idle connection (Nextflow's: 5 s or 30 s),
            # so that none is closed just when a call is on its way. While idle it
            # takes no thread.
            "keepalive": 75,
            "logger_class": QuietLogger,
            # Which proxies to believe is decided by the application.
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "forwarded_allow_ips": "",
            "control_socket_disable": True,
            "sendfile": False,
            "child_exit": _forget_worker,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # Imported here: share_metrics must come before it.
        from seqhub.wsgi import application

        # Else the first request of each worker would load them for itself.
        import_module(settings.ROOT_URLCONF)
        return application


def share_metrics(directory: Path) -> None:
    """Have the workers add their counts up (prometheus_client, multiprocess mode).

    Must come before prometheus_client is imported. The counts of the last server
    go: a counter may begin anew, and its files would pile up.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)


def _forget_worker(_server: Arbiter, worker: Worker) -> None:
    # Imported here: at its import the library looks for the directory.
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


if __name__ == "__main__":
    share_metrics(settings.CONFIG.data_dir / "run" / "metrics")
    Application([int(argument) for argument in sys.argv[1:]]).run()
