"""One header of a tar: 512 bytes, and pax's extended records.

Formats: GNU tar's manual, "Basic Tar Format"; POSIX.1-2017, pax, "ustar
Interchange Format" and "pax Extended Header".
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

BLOCK_BYTES = 512
# name, mode, (uid, gid), size, mtime, checksum, type, link, magic, (version, names,
# device), prefix
_FIELDS = struct.Struct("100s8s16x12s12s8sc100s6s82x155s12x")
_POSIX = b"ustar\0"
_GNU = b"ustar "
_ADLER_MODULUS = 65521
_DIGITS = re.compile(rb"\d{1,19}")
_TIME = re.compile(rb"(-?\d{1,19})(?:\.(\d*))?")


class BadHeader(Exception):
    """What is wrong with a header, as the beginning of a sentence."""


class Header(NamedTuple):
    """`size` is in bytes, `mtime` in seconds since 1970."""

    flag: bytes  # the type, one byte
    name: bytes
    mode: int
    size: int
    mtime: int
    target: bytes


def parse_header(block: bytes) -> Header:
    """Raises BadHeader."""
    name, mode, size, mtime, checksum, flag, target, magic, prefix = _FIELDS.unpack(
        block
    )
    if not _has_sum(block, checksum):
        raise BadHeader("a header with a wrong checksum")
    name = text(name)
    if magic == _POSIX and prefix[0]:
        name = b"%b/%b" % (text(prefix), name)
    length = _number(size)
    if length < 0:
        raise BadHeader("a header with a negative size")
    return Header(
        flag, name, _number(mode) & 0o7777, length, _number(mtime), text(target)
    )


def parse_plain(block: memoryview) -> tuple[bytes, int, int, int] | None:
    """Name, mode, size and mtime of an ordinary file in GNU tar's format; None for
    any other header, and for a damaged one."""
    name, mode, size, mtime, checksum, flag, _, magic, _ = _FIELDS.unpack(block)
    name = name.partition(b"\0")[0]
    if flag != b"0" or magic != _GNU or name[-1:] in (b"", b"/"):
        return None
    try:
        length = _number(size)
        if length < 0 or not _has_sum(block, checksum):
            return None
        return name, _number(mode) & 0o7777, length, _number(mtime)
    except BadHeader:
        return None


def _has_sum(block: bytes | memoryview, checksum: bytes) -> bool:
    """Raises BadHeader when the field is no number."""
    # Adler's low half is 1 + the sum of the bytes, at a small part of the cost of
    # `sum`; the checksum's own bytes count as spaces.
    total = _number(checksum) + sum(checksum) - 8 * ord(" ")
    return (total + 1) % _ADLER_MODULUS == zlib.adler32(block) & 0xFFFF


def text(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


@lru_cache(maxsize=4096)  # neighbours have the same mode, time and often size
def _number(field: bytes) -> int:
    """Octal digits, or GNU's base 256 for what these can't hold."""
    try:
        return int(field.rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        if field[0] < 0x80:
            raise BadHeader(f"a header with {field!r} for a number") from None
    if field[0] == 0xFF:
        return int.from_bytes(field, signed=True)
    return int.from_bytes(field) - (0x80 << 8 * (len(field) - 1))


def pax_records(content: bytes) -> dict[bytes, bytes]:
    """`<length> <key>=<value>\\n`, again and again. Raises BadHeader."""
    records = {}
    while content:
        digits = content.split(b" ", 1)[0]
        if not _DIGITS.fullmatch(digits):
            raise BadHeader("an extended header without a length")
        length = int(digits)
        record, content = content[len(digits) + 1 : length], content[length:]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise BadHeader("an extended header with a broken record")
        if key.startswith(b"GNU.sparse."):
            raise BadHeader("a sparse file, which is not supported,")
        records[key] = value[:-1]
    return records


def with_pax(header: Header, records: dict[bytes, bytes]) -> Header:
    """The header as its extended records have it. Raises BadHeader."""
    return header._replace(
        name=records.get(b"path", header.name),
        target=records.get(b"linkpath", header.target),
        size=_pax_size(records.get(b"size"), header.size),
        mtime=_pax_time(records.get(b"mtime"), header.mtime),
    )


def _pax_size(value: bytes | None, size: int) -> int:
    if value is None:
        return size
    if not _DIGITS.fullmatch(value):
        raise BadHeader("an extended header with a wrong size")
    return int(value)


def _pax_time(value: bytes | None, mtime: int) -> int:
    """Whole seconds, rounded down as file systems do."""
    if value is None:
        return mtime
    match = _TIME.fullmatch(value)
    if match is None:
        raise BadHeader("an extended header with a wrong time")
    has_fraction = bool((match[2] or b"").strip(b"0"))
    return int(match[1]) - (value.startswith(b"-") and has_fraction)
