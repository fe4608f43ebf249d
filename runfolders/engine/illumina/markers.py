"""Names at the top level of an Illumina run folder that mean something."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runfolders.engine.facts import Listing

RUN_INFO = "runinfo.xml"
RUN_PARAMETERS = "runparameters.xml"

# By lower-case name: how the completion rules spell it.
_FIXED = {
    "rtacomplete.txt": "RTAComplete.txt",
    "rtacomplete.xml": "RTAComplete.txt",
    "copycomplete.txt": "CopyComplete.txt",
    "sequencecomplete.txt": "SequenceComplete.txt",
    "sequencingcomplete.txt": "SequencingComplete.txt",
    "basecalling_netcopy_complete.txt": "Basecalling_Netcopy_complete.txt",
    "imageanalysis_netcopy_complete.txt": "ImageAnalysis_Netcopy_complete.txt",
    "runcompletionstatus.xml": "RunCompletionStatus.xml",
    "completedjobinfo.xml": "CompletedJobInfo.xml",
    "queuedforanalysis.txt": "QueuedForAnalysis.txt",
}
_READ_DONE = re.compile(r"rtaread([0-9]{1,2})complete\.txt")
_NETCOPY = re.compile(
    r"(basecalling|imageanalysis)_netcopy_complete_(?:read([0-9]{1,2})|singleread)"
    r"\.txt"
)
_NETCOPY_NAMES = {
    "basecalling": "Basecalling_Netcopy_complete",
    "imageanalysis": "ImageAnalysis_Netcopy_complete",
}
# A name that begins with a dot or a tilde is some copy tool's temporary file.
_SHEET = re.compile(r"[^.~].{0,150}\.csv", re.DOTALL)
_METADATA = frozenset({RUN_INFO, RUN_PARAMETERS})


def is_watched(name: str) -> bool:
    """Does this lower-case name matter: metadata, marker or sample sheet?"""
    return (
        name in _FIXED
        or name in _METADATA
        or _READ_DONE.fullmatch(name) is not None
        or _NETCOPY.fullmatch(name) is not None
        or _SHEET.fullmatch(name) is not None
    )


def find_markers(listing: Listing) -> Mapping[str, float]:
    """Markers that are there: name as the rules spell it -> mtime in seconds.

    Of several files that mean the same the youngest counts.
    """
    found: dict[str, float] = {}
    for lower, entry in listing.files.items():
        for name in _meanings(lower, entry.name):
            found[name] = max(entry.mtime, found.get(name, entry.mtime))
    return found


def _meanings(lower: str, spelled: str) -> tuple[str, ...]:
    if fixed := _FIXED.get(lower):
        return (fixed,)
    if match := _READ_DONE.fullmatch(lower):
        return (f"RTARead{int(match[1])}Complete.txt",)
    match = _NETCOPY.fullmatch(lower)
    if match is None:
        return ()
    base = _NETCOPY_NAMES[match[1]]
    if match[2] is None:
        # Genome Analyzer, single read: its last marker.
        return f"{base}_SINGLEREAD.txt", f"{base}.txt"
    name = f"{base}_Read{int(match[2])}.txt"
    # Genome Analyzer, paired: the last marker, in capitals; elsewhere `_Read2`
    # is one of several reads.
    return (name, f"{base}.txt") if "_READ2." in spelled else (name,)
