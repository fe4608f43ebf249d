"""One log out of many: what `up` says, and every line of its children."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import queue
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from seqhub.lib.files import PRIVATE

LINE_LIMIT_BYTES = 65536
# A reader of our output that has stopped reading must not stop the work.
WAITING_LINES = 10_000
COLOURS = (36, 32, 33, 35, 34, 96, 92)
WIDTH = 12

# "at", "process", "message", and what else is known: "level", "logger".
Line = dict[str, Any]


class Output:
    """Prefixed lines on a terminal, one JSON object a line otherwise.

    The file at `log_file` gets all of them, too, as JSON. Nothing here blocks its
    caller: lines that can't be written in time are dropped, and their number is
    told.
    """

    def __init__(self, stream: IO[str], log_file: Path | None = None) -> None:
        self.is_terminal = stream.isatty()
        self._is_coloured = self.is_terminal and "NO_COLOR" not in os.environ
        self._stream = stream
        self._log_file = LogFile(log_file) if log_file else None
        self._colours: dict[str, int] = {}
        self._dropped = 0
        self._lines: queue.Queue[Line | None] = queue.Queue(WAITING_LINES)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def say(self, message: str, level: str = "INFO") -> None:
        """A line of `up` itself."""
        self._put("up", message, {"level": level})

    def relay(self, process: str, pipe: IO[bytes]) -> threading.Thread:
        """Pass on every line of a child until it and its heirs close the pipe."""
        thread = threading.Thread(target=self._relay, args=(process, pipe), daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Write what waits, for some seconds at most."""
        with suppress(queue.Full):
            self._lines.put(None, timeout=5)
            self._writer.join(5)

    def _relay(self, process: str, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(LINE_LIMIT_BYTES):
                text = line.decode(errors="replace").rstrip("\r\n")
                if text:
                    self._put(process, *_parse(text))

    def _put(self, process: str, message: str, fields: dict[str, Any]) -> None:
        try:
            self._lines.put_nowait(_line(process, message, fields))
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            self._write_line(line)
            dropped, self._dropped = self._dropped, 0
            if dropped:
                self._write_line(_line("up", f"{dropped} lines lost", {}))

    def _write_line(self, line: Line) -> None:
        if self._log_file and (trouble := self._log_file.append(json.dumps(line))):
            self._print(_line("up", trouble, {"level": "WARNING"}))
        self._print(line)

    def _print(self, line: Line) -> None:
        text = self._for_people(line) if self.is_terminal else json.dumps(line)
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            # The reader is gone; the work goes on without a log.
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
            self._stream = sys.stdout

    def _for_people(self, line: Line) -> str:
        process = line["process"]
        prefix = f"{process:<{WIDTH}} |"
        if self._is_coloured:
            colour = self._colours.setdefault(
                process, COLOURS[len(self._colours) % len(COLOURS)]
            )
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        level = line.get("level", "INFO")
        word = "" if level == "INFO" else f"{level} "
        return "\n".join(
            f"{prefix} {word}{part}" for part in line["message"].splitlines()
        )


class LogFile:
    """Opened for each line: it may be moved away at any time, as logrotate does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_troubled = False

    def append(self, line: str) -> str:
        """What is wrong with the file, told once until it can be written again."""
        try:
            with open(self._path, "ab", buffering=0, opener=_private) as file:
                file.write(f"{line}\n".encode())
        except OSError as error:
            told, self._is_troubled = self._is_troubled, True
            return "" if told else f"log_file: {self._path}: {error.strerror}"
        self._is_troubled = False
        return ""


def _private(path: str, flags: int) -> int:
    """The log of a first start holds the administrator's password."""
    return os.open(path, flags, PRIVATE)


class Handler(logging.Handler):
    """What Django logs in `up` itself, as lines of `up`."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        self._output.say(self.format(record), record.levelname)


def _parse(text: str) -> tuple[str, dict[str, Any]]:
    """Message and further fields of a line: our children log in JSON."""
    if text.startswith("{"):
        try:
            record = json.loads(text)
            message = record.pop("message")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return text, {}
        return str(message), {
            key: value
            for key, value in record.items()
            if key in ("at", "level", "logger")
        }
    return text, {}


def _line(process: str, message: str, fields: dict[str, Any]) -> Line:
    at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    return {"at": at, "process": process, **fields, "message": message}
