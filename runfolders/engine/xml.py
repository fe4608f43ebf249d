"""XML that an instrument wrote, read safely: bounded, no DTD, no entities.

Tags lose their namespace, so that a document with one and a document without
one look alike. Paths are looked up without regard to letter case, because
instruments spell the same element `RunID` and `RunId`; nothing is ever searched
by its tag alone, because the same tag means different things at other depths.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .facts import Unreadable
from .files import read_regular, storable
from .values import plain_text

MAX_BYTES = 20_000_000
MAX_DEPTH = 64
# A NovaSeq X lists about 10,000 tiles.
MAX_ELEMENTS = 200_000

# What instruments write where they have nothing to say.
_SENTINELS = frozenset({"", "-1", "-999", "not specified", "n/a", "x"})
_SENTINEL_DATES = ("0001-01-01", "12/31/2169")
_INTEGER = re.compile(r"[0-9]{1,9}")


class _TooMuch(Exception):
    pass


class _BoundedBuilder(TreeBuilder):
    """Stops at a depth and a number of elements that no instrument reaches."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > MAX_DEPTH:
            raise _TooMuch(f"is nested deeper than {MAX_DEPTH} levels")
        if self._elements > MAX_ELEMENTS:
            raise _TooMuch(f"has more than {MAX_ELEMENTS:,} elements")
        return super().start(tag.rpartition("}")[2], attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag.rpartition("}")[2])


def read_xml(path: Path) -> Element:
    """The root element of a file. Raises Unreadable."""
    return parse_xml(read_regular(path, MAX_BYTES), storable(path.name))


def parse_xml(data: bytes, name: str) -> Element:
    """The root element of a document; `name` is for the message.

    Raises Unreadable with one short sentence.
    """
    if not data.strip(b"\0"):
        what = "holds only NUL bytes" if data else "is empty"
        raise Unreadable(f"{name} {what}; it may still be on its way.")
    try:
        try:
            return _parse(data)
        except ParseError:
            if _is_unicode(data):
                raise
            # Latin-1 under a UTF-8 declaration: every byte has a meaning then.
            return _parse(data, "iso-8859-1")
    except DefusedXmlException as error:
        raise Unreadable(f"{name} declares a DTD or an entity; refused.") from error
    except _TooMuch as error:
        raise Unreadable(f"{name} {error}; refused.") from error
    except (ParseError, ValueError, LookupError) as error:
        reason = str(error)[:120]
        raise Unreadable(f"{name} is not whole or not XML: {reason}.") from error


def find(element: Element, path: str) -> Element | None:
    """The first element at a path like `Setup/RunID`, in any letter case."""
    found: Element | None = element
    for step in path.lower().split("/"):
        if found is None:
            return None
        found = next((child for child in found if child.tag.lower() == step), None)
    return found


def find_all(element: Element, path: str) -> list[Element]:
    """All elements at a path, in document order; parents are the first match."""
    parent_path, _, last = path.rpartition("/")
    parent = find(element, parent_path) if parent_path else element
    if parent is None:
        return []
    return [child for child in parent if child.tag.lower() == last.lower()]


def text(element: Element, *paths: str) -> str | None:
    """The first value that says something among the paths, else None."""
    for path in paths:
        found = find(element, path)
        if found is not None and (value := clean(found.text)) is not None:
            return value
    return None


def attribute(element: Element | None, name: str) -> str | None:
    """The value of an attribute, in any letter case; None if it says nothing."""
    if element is None:
        return None
    for key, value in element.items():
        if key.lower() == name.lower():
            return clean(value)
    return None


def clean(value: str | None) -> str | None:
    """A value as one line of bounded length; None for what means "nothing"."""
    line = plain_text(value) or ""
    if line.lower() in _SENTINELS or line.startswith(_SENTINEL_DATES):
        return None
    return line


def integer(value: str | None) -> int | None:
    """A number of at most nine digits, else None."""
    return int(value) if value and _INTEGER.fullmatch(value) else None


def _parse(data: bytes, encoding: str | None = None) -> Element:
    parser = DefusedXMLParser(
        target=_BoundedBuilder(), encoding=encoding, forbid_dtd=True
    )
    parser.feed(data)
    root: Element = parser.close()
    return root


def _is_unicode(data: bytes) -> bool:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
