"""Text of others, for people."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""One line, fit for a terminal and for a log: what would move a cursor or forge a
    line stands as its bytes, `\x0a`; a stray byte of a file's name, too."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    # Stray bytes as Python reads them, and surrogates that somebody has written.
    is_stray = "\udc80" <= character <= "\udcff"
    how = "surrogateescape" if is_stray else "surrogatepass"
    encoded = character.encode("utf-8", how)
    return "".join(f"\\x{byte:02x}" for byte in encoded)
