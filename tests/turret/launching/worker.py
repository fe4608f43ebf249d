"""A worker that looks at the launches of a host once, and dies by kill -9.

    python -m tests.turret.launching.worker STEP

STEP: `none`, it does not die, but looks until all have ended; `claimed`, the row is
`starting`; `prepared`, its files are written; `spawned`, its script runs; `submitted`,
SLURM has it; `known`, its process is about to be kept; `given_up`, its script can't
begin any more; `ended`, its end is about to be kept.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    django.setup()
    from tests.factories import HOST
    from turret.engine.launching import process, slurm_jobs
    from turret.services.launching import starting, watching

    match sys.argv[1]:
        case "claimed":
            _die_after(watching, "claim_due")
        case "prepared":
            _die_after(starting, "prepare")
        case "spawned":
            _die_after(process, "spawn")
        case "submitted":
            _die_after(slurm_jobs, "submit")
        case "known":
            _die_at(starting, "note_running")
        case "given_up":
            _die_after(process, "claim")
        case "ended":
            _die_at(watching, "finish")
    watch = watching.Watch(HOST)
    watch.look()
    while watching.under_way(HOST).exists():
        time.sleep(0.1)
        watch.look()


def _die_after(module: Any, name: str) -> None:
    function: Callable[..., object] = getattr(module, name)

    def dying(*args: object) -> None:
        function(*args)
        _die()

    setattr(module, name, dying)


def _die_at(module: Any, name: str) -> None:
    setattr(module, name, _die)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
