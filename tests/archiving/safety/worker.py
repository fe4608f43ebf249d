"""A worker that seals one job, and falls into a trap on the way.

    python -m tests.archiving.safety.worker POINT VICTIM [CLOCK_S]

It claims as `work` does, and seals. At POINT, a stage or one of the names below,
it kills VICTIM by SIGKILL: `worker`, `all` (with its children), `tar` or `gpg`; or
it is `nobody`: then it prints `at POINT` and goes on when it reads a line. Prints
`key HEX` for each session key that it makes, and last how the attempt ended. Its
own clock is CLOCK_S seconds ahead.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import django
import psutil

CLAIMING = "claiming"  # before the claim is committed
CLAIMED = "claimed"
SEALING_HALF = "sealing-half"
VERIFYING_HALF = "verifying-half"
NOTING = "noting"  # all is made; before the journal is committed
NOTED = "noted"
NAMED = ("named-key", "named-sealed-manifest", "named-manifest", "named-archive")
FLIPPED = "flipped"  # before the row is committed
COMMITTED = "committed"
NOWHERE = "nowhere"
# No point: do what ticks and the long queue do, instead of sealing.
RECOVER = "recover"
_ENDINGS = dict(
    zip((".key.gpg", ".manifest.gpg", ".manifest", ".tar.gpg"), NAMED, strict=True)
)
_PATIENCE_S = 20


class Trap:
    """Springs once, at its point; also an engine.watch.Watch."""

    def __init__(self, point: str, spring: Callable[[], object]) -> None:
        self._point = point
        self._spring = spring
        self._lock = threading.Lock()

    def step(self, point: str) -> None:
        with self._lock:
            if point == self._point:
                self._point = ""
                self._spring()

    def stage(self, stage: str) -> None:
        self.step(str(stage))

    def tick(self, bytes_done: int, files_done: int) -> None:
        pass


def wait_for_line(point: str) -> None:
    print("at", point, flush=True)
    sys.stdin.readline()


def kill_ourselves(with_children: bool) -> None:
    if with_children:
        for child in psutil.Process().children(recursive=True):
            child.kill()
    os.kill(os.getpid(), signal.SIGKILL)


def kill_child(name: str) -> None:
    """Once it runs: setpriv, ionice and nice become it."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for child in psutil.Process().children():
            if child.name() == name:
                child.kill()
                return
        time.sleep(0.01)
    raise AssertionError(f"there is no {name}")


def wrap(module: Any, name: str, trap: Trap, before: str = "", after: str = "") -> None:
    """Let a function of a module pass two points."""
    original = getattr(module, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        trap.step(before)
        result = original(*args, **kwargs)
        trap.step(after)
        return result

    setattr(module, name, wrapped)


def wrap_chunks(module: Any, trap: Trap, after: str) -> None:
    """Pass a point when the first piece of a stream has been passed on."""
    original = module.chunks

    def chunks(stream: IO[bytes]) -> Iterator[memoryview]:
        for piece in original(stream):
            yield piece
            trap.step(after)

    module.chunks = chunks


def wrap_names(module: Any, trap: Trap) -> None:
    """Pass a point when a file has got its name."""
    original = module._give_name

    def give_name(partial: Path, final: Path, **options: Any) -> None:
        original(partial, final, **options)
        for ending, point in _ENDINGS.items():
            if str(final).endswith(ending):
                trap.step(point)
                break

    module._give_name = give_name


def tell_keys(module: Any) -> None:
    original = module.new_session_key

    def new_session_key() -> bytes:
        key: bytes = original()
        print("key", key.decode(), flush=True)
        return key

    module.new_session_key = new_session_key


def shift_clock(ahead_s: float) -> None:
    """Only what asks Django: the system's clock can't be set here."""
    from django.utils import timezone

    original = timezone.now
    timezone.now = lambda: original() + dt.timedelta(seconds=ahead_s)


def main(point: str, victim: str, ahead_s: float = 0) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    django.setup()
    from archiving.engine import sealing as engine
    from archiving.engine import verifying
    from archiving.services import claiming, filing, publishing, sealing
    from archiving.services.work import tend, work
    from seqhub.lib.lease import new_worker_id
    from tests.factories import HOST

    springs: dict[str, Callable[[], object]] = {
        "nobody": partial(wait_for_line, point),
        "worker": partial(kill_ourselves, with_children=False),
        "all": partial(kill_ourselves, with_children=True),
        "tar": partial(kill_child, "tar"),
        "gpg": partial(kill_child, "gpg"),
    }
    trap = Trap(point, springs[victim])
    shift_clock(ahead_s)
    tell_keys(sealing)
    wrap(claiming, "_claim", trap, after=CLAIMING)
    wrap_chunks(engine, trap, SEALING_HALF)
    wrap_chunks(verifying, trap, VERIFYING_HALF)
    wrap(sealing, "note_down", trap, before=NOTING, after=NOTED)
    wrap_names(filing, trap)
    wrap(publishing, "record", trap, after=FLIPPED)
    wrap(sealing, "finish", trap, after=COMMITTED)

    if point == RECOVER:
        tend(HOST)
        work(HOST)
        return
    job = claiming.claim_next(HOST, new_worker_id(HOST))
    if job is None:
        print("nothing is due", flush=True)
        return
    trap.step(CLAIMED)
    print(sealing.seal_job(job, reporter=trap).outcome, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:]))
