"""What GNU tar's `--exclude` leaves out, to the letter.

Source of the rules: GNU tar's manual, "Controlling Pattern-Matching with
exclude", its defaults: wildcards, not anchored, `*` matches `/`, and what matches
a directory takes what is below with it.
"""

from __future__ import annotations

import ctypes
import locale
import os
from collections.abc import Sequence

_LEADING_DIR = 1 << 3  # fnmatch.h, both in glibc and in musl
_libc = ctypes.PyDLL(None)
_fnmatch = _libc.fnmatch
_fnmatch.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int)
_uselocale = _libc.uselocale
_uselocale.argtypes = (ctypes.c_void_p,)
_uselocale.restype = ctypes.c_void_p
_newlocale = _libc.newlocale
_newlocale.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
_newlocale.restype = ctypes.c_void_p
# Names are bytes: `?` is one of them, as for a tar that runs with LC_ALL=C.
_BYTES = _newlocale(1 << locale.LC_CTYPE | 1 << locale.LC_COLLATE, b"C", None)


class Exclusions:
    """A set of patterns. tar must run with LC_ALL=C to read them in the same way."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self._literals: list[bytes] = []
        self._floating: list[bytes] = []
        self._wild: list[bytes] = []
        for pattern in map(os.fsencode, patterns):
            if not _has_wildcards(pattern):
                self._literals.append(b"/%b/" % _unescape(pattern))
            elif pattern.startswith(b"*"):
                self._floating.append(pattern)
            else:
                self._wild.append(pattern)

    def excludes(self, name: bytes) -> bool:
        """Whether tar leaves out this member (`RUN/Data/x`) or one above it."""
        if self._literals:
            enclosed = b"/%b/" % name
            if any(literal in enclosed for literal in self._literals):
                return True
        if not self._floating and not self._wild:
            return False
        before = _uselocale(_BYTES)
        try:
            # What begins with `*` matches the whole name if it matches an end of it.
            return any(
                not _fnmatch(pattern, name, _LEADING_DIR) for pattern in self._floating
            ) or any(_matches_an_end(pattern, name) for pattern in self._wild)
        finally:
            _uselocale(before)


def _matches_an_end(pattern: bytes, name: bytes) -> bool:
    """Whether the pattern matches the name from the start of one of its parts."""
    at = 0
    while _fnmatch(pattern, name[at:], _LEADING_DIR):
        at = name.find(b"/", at) + 1
        if not at:
            return False
    return True


def _has_wildcards(pattern: bytes) -> bool:
    """tar compares a pattern that has none as a plain text."""
    at = 0
    while at < len(pattern):
        if pattern[at] in b"*?[":
            return True
        at += 2 if pattern[at] == ord("\\") else 1
    return False


def _unescape(pattern: bytes) -> bytes:
    plain = bytearray()
    at = 0
    while at < len(pattern):
        if pattern[at] == ord("\\") and at + 1 < len(pattern):
            at += 1
        plain.append(pattern[at])
        at += 1
    return bytes(plain)
