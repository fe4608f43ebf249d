"""How an Illumina run ended: RunCompletionStatus.xml, in its two dialects.

CompletedJobInfo.xml, the third file that looks like a status, tells of the
on-board analysis only and says nothing of the sequencing.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from runfolders.choices import Outcome
from runfolders.engine.facts import Ending, Listing, Unreadable
from runfolders.engine.values import plain_text
from runfolders.engine.xml import find, read_xml, text

_FILE = "RunCompletionStatus.xml"
_MAX_MESSAGE = 500
_OUTCOMES = {
    # NextSeq 500/550, MiniSeq, MiSeq: CompletionStatus
    "completedasplanned": Outcome.OK,
    "successfullycompleted": Outcome.OK,
    "userendedearly": Outcome.ENDED_EARLY,
    "exceptionendedearly": Outcome.FAILED,
    # NovaSeq X, MiSeq i100, NextSeq 1000/2000: RunStatus
    "runcompleted": Outcome.OK,
    "runerrored": Outcome.FAILED,
}


def read_ending(listing: Listing) -> Ending | None:
    """How the run ended; None while there is no status file. Never raises."""
    entry = listing.file(_FILE)
    if entry is None:
        return None
    try:
        root = read_xml(listing.path / entry.name)
    except Unreadable as error:
        return Ending(Outcome.UNKNOWN, message=str(error)[:_MAX_MESSAGE])
    raw = text(root, "CompletionStatus", "RunStatus")
    if raw is None:
        return Ending(Outcome.UNKNOWN, message=f"{entry.name} names no status.")
    return Ending(
        _OUTCOMES.get(raw.lower(), Outcome.UNKNOWN), raw=raw, message=_message(root)
    )


def _message(root: Element) -> str:
    """The error text, markup in it as text; "" if there is none."""
    description = _words(root, "ErrorDescription")
    if description.lower() != "none" and description:
        return description
    parts = (_words(root, "RunError/Type"), _words(root, "RunError/Message"))
    return ": ".join(part for part in parts if part)[:_MAX_MESSAGE]


def _words(root: Element, path: str) -> str:
    element = find(root, path)
    if element is None:
        return ""
    return plain_text("".join(element.itertext()), _MAX_MESSAGE) or ""
