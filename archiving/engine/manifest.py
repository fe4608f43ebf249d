"""The list of what an archive holds, as a text that `sha256sum -c` reads.

    # SeqHub manifest 1
    # run 230101_A00001_0001_AHXXXXXXXX
    # made-at 2026-01-31T12:00:00Z
    # tar tar (GNU tar) 1.34
    # exclude Thumbnail_Images
    # left-out excluded 1200 52428800 230101_A00001_0001_AHXXXXXXXX/Thumbnail_Images
    # members
    # d 0755 0 1700000000 230101_A00001_0001_AHXXXXXXXX
    # f 0644 5 1700000000
    <SHA-256>  230101_A00001_0001_AHXXXXXXXX/RunInfo.xml
    # l 0777 0 1700000000 230101_A00001_0001_AHXXXXXXXX/link -> target
    # end members=3 files=1 bytes=5

A member is its kind's letter, mode, size in bytes, mtime in seconds, and its name;
that of a file stands in sha256sum's line below. Names are bytes, with a backslash,
line feed and carriage return written `\\\\`, `\\n` and `\\r`, and in the name of a link
`->` written `-\\>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from archiving.engine.members import Kind, Member
from archiving.engine.walk import LeftOut, Reason

_FIRST_LINE = b"# SeqHub manifest 1\n"
_LEFT_OUT_KEPT = 1000
_LINE_MAX_BYTES = 1 << 20
_ARROW = b" -> "
_NEEDS_ESCAPE = re.compile(rb"[\\\n\r]")
_ESCAPES = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_ESCAPED = re.compile(rb"\\(.?)", re.DOTALL)
_PLAIN = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b">": b">"}
_KINDS: dict[bytes, Kind] = {kind.encode(): kind for kind in Kind}
_LETTERS: dict[Kind, bytes] = {kind: kind.encode() for kind in Kind}
_LINKS = frozenset({Kind.HARD_LINK, Kind.SYMLINK})
_HEADER_LINE = re.compile(rb"# (run|made-at|tar|exclude|left-out) (.*)\n", re.S)
_MEMBER = re.compile(rb"# ([a-z]) ([0-7]{4}) (\d{1,19}) (-?\d{1,19})(?: (.+))?\n", re.S)
_SUM = re.compile(rb"(\\?)([0-9a-f]{64})  (.+)\n", re.S)
_END = re.compile(rb"# end members=(\d{1,19}) files=(\d{1,19}) bytes=(\d{1,19})\n")


class ManifestDamaged(Exception):
    """`line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line:,} of the manifest: {message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the members. Of what is left out a reader keeps the first
    thousand and the sums; a writer is told by `left_out`."""

    run: str
    made_at: datetime
    exclusions: tuple[str, ...]
    tar_version: str
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0
    left_out_files: int = 0
    left_out_bytes: int = 0


class ManifestWriter:
    """Writes to a buffered file, which it does not close. What is left out comes
    before the first member; without `close` the manifest counts as cut."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self._write = file.write
        self._has_members = False
        self._members = 0
        self._files = 0
        self._size_bytes = 0
        made_at = header.made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._write(_FIRST_LINE)
        self._write_words("run", header.run)
        self._write_words("made-at", made_at)
        self._write_words("tar", header.tar_version)
        for pattern in header.exclusions:
            self._write_words("exclude", pattern)

    def left_out(self, left_out: LeftOut) -> None:
        name, reason, files, size_bytes = left_out
        self._write(
            b"# left-out %b %d %d %b\n"
            % (reason.encode(), files, size_bytes, escape(name))
        )

    def member(self, member: Member) -> None:
        if not self._has_members:
            self._begin_members()
        self._members += 1
        name, kind, mode, size, mtime, target, sha256 = member
        if kind is Kind.FILE:
            self._files += 1
            self._size_bytes += size
            line = checksum_line(sha256, name)
            self._write(b"# f %04o %d %d\n%b" % (mode, size, mtime, line))
            return
        words = escape(name)
        if kind in _LINKS:
            words = words.replace(b"->", b"-\\>") + _ARROW + escape(target)
        letter = _LETTERS[kind]
        self._write(b"# %b %04o %d %d %b\n" % (letter, mode, size, mtime, words))

    def close(self) -> None:
        if not self._has_members:
            self._begin_members()
        self._write(
            b"# end members=%d files=%d bytes=%d\n"
            % (self._members, self._files, self._size_bytes)
        )

    def _begin_members(self) -> None:
        self._has_members = True
        self._write(b"# members\n")

    def _write_words(self, key: str, value: str) -> None:
        text = value.encode("utf-8", "surrogateescape")
        self._write(b"# %b %b\n" % (key.encode(), escape(text)))


def read_manifest(file: BinaryIO) -> tuple[Header, Iterator[Member]]:
    """The members come in the archive's order, read as they are asked for.

    Raises ManifestDamaged, at once or between members, for what is no manifest, is
    cut, or does not count right; the last member has come only when the iterator
    ends.
    """
    lines = _Lines(file)
    if lines.next() != _FIRST_LINE:
        raise lines.damaged("this is no manifest that can be read here")
    header = _read_header(lines)
    return header, _read_members(lines)


def checksum_line(sha256: str, name: bytes) -> bytes:
    """As GNU sha256sum writes it, line feed included."""
    escaped = escape(name)
    mark = b"\\" if escaped != name else b""
    return b"%b%b  %b\n" % (mark, sha256.encode(), escaped)


def escape(name: bytes) -> bytes:
    if not _NEEDS_ESCAPE.search(name):
        return name
    return _NEEDS_ESCAPE.sub(lambda match: _ESCAPES[match[0]], name)


def unescape(text: bytes) -> bytes:
    """Raises KeyError for an escape that nothing writes."""
    if b"\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _PLAIN[match[1]], text)


class _Lines:
    """A manifest's lines, counted."""

    def __init__(self, file: BinaryIO) -> None:
        self._readline = file.readline
        self._count = 0

    def next(self) -> bytes:
        """Raises ManifestDamaged if there is none, or no whole one."""
        self._count += 1
        line = self._readline(_LINE_MAX_BYTES)
        if not line.endswith(b"\n"):
            raise self.damaged("the manifest is cut here")
        return line

    def has_ended(self) -> bool:
        return not self._readline(1)

    def damaged(self, message: str) -> ManifestDamaged:
        return ManifestDamaged(self._count, message)


def _read_header(lines: _Lines) -> Header:
    words: dict[str, str] = {}
    exclusions: list[str] = []
    kept: list[LeftOut] = []
    count = files = size_bytes = 0
    while (line := lines.next()) != b"# members\n":
        found = _HEADER_LINE.fullmatch(line)
        if found is None:
            raise lines.damaged("this does not belong into the header")
        key, value = found.groups()
        try:
            if key == b"left-out":
                left_out = _read_left_out(value)
                count += 1
                files += left_out.files
                size_bytes += left_out.size_bytes
                if count <= _LEFT_OUT_KEPT:
                    kept.append(left_out)
                continue
            text = unescape(value).decode("utf-8", "surrogateescape")
        except (ValueError, KeyError) as error:
            raise lines.damaged("this can't be read") from error
        if key == b"exclude":
            exclusions.append(text)
        else:
            words[key.decode()] = text
    try:
        return Header(
            words["run"],
            datetime.strptime(words["made-at"], "%Y-%m-%dT%H:%M:%S%z"),
            tuple(exclusions),
            words["tar"],
            tuple(kept),
            count,
            files,
            size_bytes,
        )
    except (ValueError, KeyError) as error:
        message = "the header above lacks the run, its time or tar's version"
        raise lines.damaged(message) from error


def _read_left_out(value: bytes) -> LeftOut:
    """Raises ValueError or KeyError."""
    reason, files, size_bytes, name = value.split(b" ", 3)
    return LeftOut(unescape(name), Reason(reason.decode()), int(files), int(size_bytes))


def _read_members(lines: _Lines) -> Iterator[Member]:
    members = files = size_bytes = 0
    while match := _MEMBER.fullmatch(line := lines.next()):
        try:
            member = _read_member(match, lines)
        except (ValueError, KeyError) as error:
            raise lines.damaged("this is no member") from error
        members += 1
        files += member.kind is Kind.FILE
        size_bytes += member.size
        yield member
    end = _END.fullmatch(line)
    if end is None:
        raise lines.damaged("this is no member")
    if (members, files, size_bytes) != tuple(map(int, end.groups())):
        raise lines.damaged(
            f"its end counts otherwise than {members:,} members, {files:,} files, "
            f"{size_bytes:,} bytes"
        )
    if not lines.has_ended():
        raise lines.damaged("something follows the end")


def _read_member(match: re.Match[bytes], lines: _Lines) -> Member:
    """Raises ValueError or KeyError."""
    letter, octal, decimal, seconds, name = match.groups()
    kind, mode, size, mtime = _KINDS[letter], int(octal, 8), int(decimal), int(seconds)
    if kind is Kind.FILE:
        found = _SUM.fullmatch(lines.next())
        if found is None or name is not None:
            raise ValueError(letter)
        mark, digest, name = found.groups()
        if mark:
            name = unescape(name)
        return Member(name, kind, mode, size, mtime, b"", digest.decode())
    if name is None or size:
        raise ValueError(letter)
    target = b""
    if kind in _LINKS:
        name, arrow, target = name.partition(_ARROW)
        if not arrow:
            raise ValueError(letter)
    return Member(unescape(name), kind, mode, size, mtime, unescape(target))
