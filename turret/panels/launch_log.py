"""The log of a launch: its end first, then what comes, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from seqhub.lib.patience import TimedOut, within
from turret.choices import ENDED_LAUNCH
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.pieces import Mark, Piece, read_piece
from turret.engine.masking import mask
from turret.models import Launch

PATIENCE_S = 5.0
# Of the end that a page begins with, and of each look after it.
FIRST_BYTES = 64 << 10
MOST_BYTES = 128 << 10
# What a page may hold; then it begins with the end again.
SHOWN_BYTES = 1 << 20
FOLLOW_S = 2
FILES = {"output": "What it printed", "nextflow": "Nextflow's own log"}

# Escape sequences of terminals (ECMA-48): CSI, OSC, and those of few characters.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
# Left over, and what turns the direction of writing: shown, not obeyed.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"}
_PICTURES |= dict.fromkeys(
    [*range(0x80, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F)], 0xFFFD
)
_PICTURES |= dict.fromkeys(range(0x2066, 0x206A), 0xFFFD) | {0x7F: 0x2421}


@dataclass(frozen=True, slots=True)
class Log:
    """Some of a log, as it may be shown.

    `offset`: where the next piece begins; `shown`: how many bytes the page holds with
    this one. `again_s`: when to ask for more; 0: nothing more comes.
    """

    file: str
    text: str = ""
    offset: int = 0
    shown: int = 0
    is_cut: bool = False  # there is more before it
    is_whole: bool = True  # it takes the place of what the page holds
    again_s: float = 0
    why_not: str = ""


def end_of_log(launch: Launch, file: str) -> Log:
    """Its last lines. Reads the disk, for PATIENCE_S at the most."""
    return _patiently(launch, file, _end)


def log_from(launch: Launch, file: str, offset: int, shown: int) -> Log:
    """What was written after `offset`; the end, when that is too much for the page.
    Reads the disk, for PATIENCE_S at the most."""

    def read(launch: Launch, file: str) -> Log:
        return _next(launch, file, offset, shown)

    return _patiently(launch, file, read)


def _patiently(launch: Launch, file: str, read: Callable[[Launch, str], Log]) -> Log:
    try:
        return within(PATIENCE_S, launch.directory, read, launch, file)
    except TimedOut as error:
        again = 0 if launch.state in ENDED_LAUNCH else FOLLOW_S
        return Log(file, why_not=f"{error}.", again_s=again)


def _end(launch: Launch, file: str) -> Log:
    path = path_of(launch, file)
    is_over = launch.state in ENDED_LAUNCH
    again = 0 if is_over else FOLLOW_S
    try:
        found = path.lstat()
    except OSError:
        return Log(file, again_s=again, why_not=_why_not(launch))
    start = max(found.st_size - FIRST_BYTES, 0)
    piece = _read(path, found.st_ino, start, FIRST_BYTES + 1, is_over)
    if piece is None:
        return Log(file, offset=start, again_s=again)
    lines = piece.lines[1:] if start else piece.lines
    text = _shown(lines)
    return Log(
        file,
        text,
        piece.offsets[-1],
        len(text),
        is_cut=start > 0,
        again_s=_again(is_over, piece),
    )


def _next(launch: Launch, file: str, offset: int, shown: int) -> Log:
    path = path_of(launch, file)
    is_over = launch.state in ENDED_LAUNCH
    try:
        found = path.lstat()
    except OSError:
        return _end(launch, file)
    ahead = found.st_size - offset
    if ahead < 0 or ahead > 2 * MOST_BYTES or shown > SHOWN_BYTES:
        return _end(launch, file)
    piece = _read(path, found.st_ino, offset, MOST_BYTES, is_over)
    if piece is None:
        again = 0 if is_over else FOLLOW_S
        return Log(file, "", offset, shown, is_whole=False, again_s=again)
    # The byte before: the end of a line that the page has.
    lines = piece.lines[1:] if offset else piece.lines
    text = _shown(lines)
    return Log(
        file,
        text,
        piece.offsets[-1],
        shown + len(text),
        is_whole=False,
        again_s=_again(is_over, piece),
    )


def _read(
    path: Path, inode: int, offset: int, most: int, is_over: bool
) -> Piece | None:
    """From the byte before the offset: its first line is not wanted, unless that is
    0."""
    start = max(offset - 1, 0)
    size_seen = Mark(inode, start, start)
    return read_piece(path, size_seen, most=most, is_over=is_over)


def _again(is_over: bool, piece: Piece) -> float:
    if piece.is_behind:
        return 0.2
    return 0 if is_over else FOLLOW_S


def path_of(launch: Launch, file: str) -> Path:
    files = LaunchFiles(Path(launch.directory))
    return files.nextflow_log if file == "nextflow" else files.output


def _why_not(launch: Launch) -> str:
    """There is no such file here."""
    if launch.host != settings.CONFIG.host and not Path(launch.directory).is_dir():
        return f"The log lies on {launch.host}, in {launch.directory}."
    if launch.cleared_at:
        return "Its files were cleared away."
    return ""


def _shown(lines: list[str]) -> str:
    return str(mask("".join(f"{plain(line)}\n" for line in lines)))


def plain(line: str) -> str:
    """A line without what a terminal would obey: colours go, of a progress bar the
    last state stays, other control characters are shown as symbols."""
    line = _ANSI.sub("", line).rstrip("\r")
    return line.rpartition("\r")[2].translate(_PICTURES)
