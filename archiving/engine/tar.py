"""Reading a tar stream as it passes by: its members, and the digest of each file.

GNU tar's own format (`--format=gnu`), POSIX ustar and pax. One pass, no copy of any
content: the standard library's reader costs several times as much on many small
files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from archiving.engine.members import Kind, Member
from archiving.engine.tarheader import (
    BLOCK_BYTES,
    BadHeader,
    Header,
    parse_header,
    parse_plain,
    pax_records,
    text,
    with_pax,
)

_ZEROS = bytes(BLOCK_BYTES)
_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARD_LINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER_DEVICE,
    b"4": Kind.BLOCK_DEVICE,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
_LINKS = frozenset({Kind.HARD_LINK, Kind.SYMLINK})
_LONG_NAME, _LONG_TARGET, _PAX, _PAX_GLOBAL = b"L", b"K", b"x", b"g"
_EXTENSIONS = frozenset({_LONG_NAME, _LONG_TARGET, _PAX, _PAX_GLOBAL})
_EXTENSION_MAX_BYTES = 1 << 20


class TarDamaged(Exception):
    """This is no whole tar; the message says what is wrong and at which byte."""


class TarScanner:
    """Takes a tar in pieces of any size and calls `on_member` for each member, in
    the tar's order, for a file once its content has passed.

    After damage nothing more is looked at: `damage` says so at once, `close` raises
    it. What follows the tar's end must be zeros.
    """

    def __init__(self, on_member: Callable[[Member], None]) -> None:
        self.members = 0
        self.files = 0
        self.content_bytes = 0
        self.damage: TarDamaged | None = None
        self._on_member = on_member
        self.bytes_passed = 0  # of the tar, before the piece at hand
        self._header_at = 0
        self._block = bytearray()  # one that the pieces cut in two
        self._zero_blocks = 0
        self._left = 0  # bytes of content to come
        self._padding = 0
        self._take_content: Callable[[memoryview], object] = self._block.extend
        self._finish: Callable[[], None] = self._block.clear
        # What extended headers say of the next member, or of all that follow.
        self._own: dict[bytes, bytes] = {}
        self._general: dict[bytes, bytes] = {}

    def feed(self, data: memoryview | bytes) -> None:
        """Raises only what `on_member` raises."""
        if self.damage is not None:
            return
        view = memoryview(data)
        try:
            self._feed(view)
        except BadHeader as error:
            self.damage = TarDamaged(f"{error} at byte {self._header_at:,} of the tar")
        self.bytes_passed += len(view)

    def close(self) -> None:
        """Raises TarDamaged unless a whole tar has passed, with its end."""
        if self.damage is not None:
            raise self.damage
        if self._zero_blocks < 2 or self._block:
            raise TarDamaged(f"the tar is cut after {self.bytes_passed:,} bytes")

    def _feed(self, view: memoryview) -> None:
        at, end = 0, len(view)
        while at < end:
            if self._left:
                piece = view[at : at + self._left]
                self._take_content(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._finish()
            elif self._padding:
                step = min(self._padding, end - at)
                self._padding -= step
                at += step
            else:
                at = self._take_small_files(view, at)
                if at < end:
                    at = self._take_block(view, at)

    def _take_small_files(self, view: memoryview, at: int) -> int:
        """Files that lie whole in what is fed, one after the other, up to anything
        else; where that begins. Runs have hundreds of thousands of them, so that
        every call counts here."""
        end = len(view)
        if self._block or self._own or self._general or self._zero_blocks:
            return at
        while at + BLOCK_BYTES <= end:
            plain = parse_plain(view[at : at + BLOCK_BYTES])
            if plain is None:
                break
            name, mode, size, mtime = plain
            start = at + BLOCK_BYTES
            after = start + size + -size % BLOCK_BYTES
            if after > end:
                break
            sha256 = hashlib.sha256(view[start : start + size]).hexdigest()
            self.members += 1
            self.files += 1
            self.content_bytes += size
            self._on_member(Member(name, Kind.FILE, mode, size, mtime, b"", sha256))
            at = after
        return at

    def _take_block(self, view: memoryview, at: int) -> int:
        """A header, a block of the tar's end, or a part of one; where it ends."""
        block = bytes(view[at : at + BLOCK_BYTES - len(self._block)])
        at += len(block)
        if len(block) < BLOCK_BYTES:
            self._block += block
            if len(self._block) < BLOCK_BYTES:
                return at
            block = bytes(self._block)
            self._block.clear()
        self._header_at = self.bytes_passed + at - BLOCK_BYTES
        if block == _ZEROS:
            self._zero_blocks += 1
            return at
        if self._zero_blocks:
            raise BadHeader("something after the end")
        return self._take_header(parse_header(block), view, at)

    def _take_header(self, header: Header, view: memoryview, at: int) -> int:
        """What follows it begins at `at`; how much of that is taken, too."""
        if header.flag in _EXTENSIONS:
            self._expect_extension(header)
            return at
        kind = _KINDS.get(header.flag)
        if kind is None:
            raise BadHeader(f"a member of the unsupported type {header.flag!r}")
        if self._own or self._general:
            header = with_pax(header, self._general | self._own)
            self._own.clear()
        name = header.name
        if name.endswith(b"/"):
            name = name.rstrip(b"/")
            if kind is Kind.FILE:  # as tars before POSIX wrote directories
                kind = Kind.DIRECTORY
        if not name:
            raise BadHeader("a member without a name")
        if kind is Kind.FILE:
            return self._take_file(name, header, view, at)
        target = header.target if kind in _LINKS else b""
        self.members += 1
        self._on_member(Member(name, kind, header.mode, 0, header.mtime, target))
        return at

    def _take_file(self, name: bytes, header: Header, view: memoryview, at: int) -> int:
        _, _, mode, size, mtime, _ = header
        digest = hashlib.sha256()
        self._expect(
            size,
            digest.update,
            lambda: self._found_file(name, mode, size, mtime, digest.hexdigest()),
        )
        return at

    def _found_file(
        self, name: bytes, mode: int, size: int, mtime: int, sha256: str
    ) -> None:
        self.members += 1
        self.files += 1
        self.content_bytes += size
        self._on_member(Member(name, Kind.FILE, mode, size, mtime, b"", sha256))

    def _expect_extension(self, header: Header) -> None:
        if header.size > _EXTENSION_MAX_BYTES:
            raise BadHeader(f"an extended header of {header.size:,} bytes")
        content = bytearray()

        def finish() -> None:
            if header.flag == _LONG_NAME:
                self._own[b"path"] = text(bytes(content))
            elif header.flag == _LONG_TARGET:
                self._own[b"linkpath"] = text(bytes(content))
            elif header.flag == _PAX:
                self._own |= pax_records(bytes(content))
            else:
                self._general |= pax_records(bytes(content))

        self._expect(header.size, content.extend, finish)

    def _expect(
        self,
        size: int,
        take: Callable[[memoryview], object],
        finish: Callable[[], None],
    ) -> None:
        if not size:
            finish()
            return
        self._left = size
        self._padding = -size % BLOCK_BYTES
        self._take_content = take
        self._finish = finish
