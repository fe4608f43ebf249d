"""The platforms that SeqHub knows. To add one: a module with a READER, a line here."""

from __future__ import annotations

from . import element, ont, pacbio
from .facts import Listing
from .illumina import reader as illumina
from .platform import PlatformReader

# Told apart by content, in this order: a RunInfo.xml settles it, names alone are the
# last resort.
PLATFORMS: tuple[PlatformReader, ...] = (
    illumina.READER,
    element.READER,
    ont.READER,
    pacbio.READER,
)


def reader_for(listing: Listing) -> PlatformReader | None:
    """The platform whose run folder this is; None if it is of none."""
    return next((reader for reader in PLATFORMS if reader.claims(listing)), None)


def is_watched(name: str) -> bool:
    """Does a top-level name (lower case) matter to any platform?"""
    return any(reader.watched(name) for reader in PLATFORMS)
