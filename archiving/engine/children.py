"""tar and gpg as children: started politely, followed, and never left behind.

Content goes through pipes that the kernel moves; a thread pumps what we look at
ourselves, while the caller's thread tells the watch how far it is and hears when
to stop. Whatever ends the work ends the children first.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from types import TracebackType
from typing import IO, Self

from archiving.engine.gpg import calls
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble

CHUNK_BYTES = 1 << 20
# As large as an ordinary user may make a pipe.
PIPE_BYTES = 1 << 20
# tar and gpg move some kilobytes at a time. To wake up for each of them costs more
# than to hash them, so that we let a pipe fill, or drain, a little.
NAP_S = 0.0005
_NAP_BELOW_BYTES = 1 << 17
TELL_EVERY_S = 0.5
TAIL_BYTES = 4000
MESSAGES_BYTES = 1 << 20
# Dies with us (setpriv(1)), and lets everybody else go first.
POLITELY = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("ionice", "-c", "2", "-n", "7"),
    *("nice", "-n", "10"),
)


class Child:
    """A running program whose messages go into a file of ours."""

    def __init__(self, process: subprocess.Popen[bytes], messages: IO[bytes]) -> None:
        self.process = process
        self._messages = messages

    @property
    def name(self) -> str:
        return str(self.process.args[len(POLITELY)])  # type: ignore[index]

    def messages(self) -> str:
        """What it has said so far, the last part if it is much."""
        size = self._messages.seek(0, os.SEEK_END)
        self._messages.seek(max(size - MESSAGES_BYTES, 0))
        return self._messages.read().decode(errors="replace")

    def tail(self) -> str:
        """Its last lines for people: without gpg's status lines."""
        lines = self.messages().splitlines()
        text = "\n".join(line for line in lines if not line.startswith("[GNUPG:]"))
        return text[-TAIL_BYTES:]

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()
        self._messages.close()


class Children:
    """The programs of one piece of work; at its end none of them is left, and
    Trouble that ends it takes their last words along.

    To be used in the thread that waits for the work: the kernel ends a child of
    ours with the thread that started it.
    """

    def __init__(self) -> None:
        self.are_killed = False
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if isinstance(error, Trouble):
            error.log_tail = self.log_tail()
        for child in self._children:
            child.close()

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        pass_fds: Collection[int] = (),
    ) -> Child:
        """Raises Trouble(PROGRAM_MISSING)."""
        messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
        process = subprocess.Popen(
            [*POLITELY, *argv],
            stdin=stdin,
            stdout=stdout,
            stderr=messages,
            env={**calls.environment(), "LC_ALL": "C"},
            pass_fds=pass_fds,
            process_group=0,
            bufsize=0,
        )
        child = Child(process, messages)
        self._children.append(child)
        for stream in (process.stdin, process.stdout):
            if stream:
                _widen(stream.fileno())
        return child

    def kill(self) -> None:
        """End what still runs, and wait for it."""
        self.are_killed = True
        for child in self._children:
            if child.process.poll() is None:
                child.process.kill()
        for child in self._children:
            child.process.wait()

    def follow(
        self,
        *pumps: Callable[[], object],
        watch: Watch,
        done: Callable[[], tuple[int, int]],
    ) -> None:
        """Run each pump in a thread; tell `watch` of `done` (bytes, files) meanwhile.

        What a pump or the watch raises, or a signal, ends the children, by which
        the other pumps come to their end, and is passed on.
        """
        with ThreadPoolExecutor(max_workers=len(pumps)) as pool:
            left = {pool.submit(pump) for pump in pumps}
            try:
                while left:
                    ready, left = wait(left, TELL_EVERY_S, FIRST_COMPLETED)
                    for future in ready:
                        future.result()
                    watch.tick(*done())
            except BaseException:
                self.kill()
                raise

    def log_tail(self) -> str:
        """The last words of each that said anything."""
        said = ((child.name, child.tail()) for child in self._children)
        return "\n".join(f"{name}: {text}" for name, text in said if text)


def chunks(stream: IO[bytes]) -> Iterator[memoryview]:
    """What comes out of an unbuffered pipe, in one piece of memory that is used
    again for each."""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    descriptor = stream.fileno()
    while count := os.readv(descriptor, [buffer]):
        yield buffer[:count]
        if count < _NAP_BELOW_BYTES:
            time.sleep(NAP_S)


def write_all(stream: IO[bytes], data: memoryview) -> None:
    """Write every byte, to an unbuffered pipe that does not block. Raises OSError."""
    while data:
        data = data[stream.write(data) or 0 :]
        if data:
            time.sleep(NAP_S)


def program_missing(child: Child) -> Trouble | None:
    """What to say when `ionice`, `nice` or the program itself was not found."""
    if child.process.returncode not in (126, 127):
        return None
    return Trouble(
        Code.PROGRAM_MISSING,
        f"{child.name} can't be started: {child.tail()[-300:]}",
        f"Install it: apt install {'gnupg' if child.name == 'gpg' else child.name}",
    )


def _widen(descriptor: int) -> None:
    """Let a pipe hold as much as we move at once; a smaller one works, too."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return
