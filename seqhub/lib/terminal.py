"""How far long work is, for whoever watches a command."""

from __future__ import annotations

import shutil
import time

from django.core.management.base import OutputWrapper

BAR_WIDTH = 24
# Where lines can't be written over, a stage that lasts is told so often.
PLAIN_EVERY_S = 60.0


class ProgressLine:
    """One line that is written over on a terminal; elsewhere few plain lines: one
    for each stage, and one a minute."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._stage = ""
        self._told_at = 0.0
        self._is_open = False

    def show(self, stage: str, percent: float | None, detail: str) -> None:
        """`percent` is None where nobody knows the end."""
        if self._is_terminal:
            bar = f" {_bar(percent)}" if percent is not None else ""
            self._write_over(f"{stage}{bar} {detail}".rstrip())
            return
        now = time.monotonic()
        if stage == self._stage and now - self._told_at < PLAIN_EVERY_S:
            return
        done = f" {percent:.0f} %" if percent is not None else ""
        self._stream.write(f"{stage}{done} {detail}".rstrip())
        self._stream.flush()
        self._stage, self._told_at = stage, now

    def close(self) -> None:
        """What is written from now on begins on an empty line."""
        if self._is_open:
            self._write_over("")
            self._is_open = False

    def _write_over(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        # Back to the start of the line, and away with what stands there (ECMA-48).
        self._stream.write(f"\r\x1b[K{text[:width]}", ending="")
        self._stream.flush()
        self._is_open = True


def _bar(percent: float) -> str:
    full = min(max(round(BAR_WIDTH * percent / 100), 0), BAR_WIDTH)
    return f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {percent:3.0f} %"
