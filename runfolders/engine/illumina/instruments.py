"""Which model is it: from the words of the XML, else from the instrument id."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidates:
    """Models that a word or an id can mean, the likeliest first."""

    label: str  # what to show if nothing narrows it down
    models: tuple[str, ...]


def _one_of(*models: str, label: str = "") -> Candidates:
    return Candidates(label or models[0], models)


_HISEQ_2500 = _one_of("HiSeq 2500", "HiSeq 1500")
_HISEQ_3000_4000 = _one_of("HiSeq 3000", "HiSeq 4000", label="HiSeq 3000/4000")

# Instrument type or name of the control software; letters and digits only.
_SPELLINGS = {
    "genomeanalyzer": _one_of("Genome Analyzer II"),
    "miniseq": _one_of("MiniSeq"),
    "miseq": _one_of("MiSeq"),
    "miseqi100": _one_of("MiSeq i100", "MiSeq i100 Plus"),
    "miseqi100plus": _one_of("MiSeq i100 Plus"),
    "iseq": _one_of("iSeq 100"),
    # The software of all of them but the X calls itself "HiSeq Control Software".
    "hiseq": _one_of(
        "HiSeq 1000/2000",
        "HiSeq 1500",
        "HiSeq 2500",
        "HiSeq 3000",
        "HiSeq 4000",
        label="HiSeq",
    ),
    "hiseq1500": _one_of("HiSeq 1500"),
    "hiseq2500": _one_of("HiSeq 2500"),
    "hiseq3000": _one_of("HiSeq 3000"),
    "hiseq4000": _one_of("HiSeq 4000"),
    "hiseq30004000": _HISEQ_3000_4000,
    "hiseqx": _one_of("HiSeq X"),
    "nextseq": _one_of(
        "NextSeq 500", "NextSeq 550", "NextSeq 550Dx", label="NextSeq 500/550"
    ),
    "nextseq500": _one_of("NextSeq 500"),
    "nextseq550": _one_of("NextSeq 550"),
    "nextseq550dx": _one_of("NextSeq 550Dx"),
    "nextseq1000": _one_of("NextSeq 1000"),
    "nextseq2000": _one_of("NextSeq 2000"),
    "nextseq10002000": _one_of(
        "NextSeq 1000", "NextSeq 2000", label="NextSeq 1000/2000"
    ),
    "novaseq": _one_of("NovaSeq 6000"),
    "novaseqx": _one_of("NovaSeq X", "NovaSeq X Plus"),
    "novaseqxplus": _one_of("NovaSeq X Plus"),
}
# The longest first: "iseq" is inside "miniseq", "novaseq" inside "novaseqx".
_LONGEST_FIRST = sorted(_SPELLINGS.items(), key=lambda item: -len(item[0]))

# The text of RunParameters' Setup/Flowcell, where it tells the model.
_FLOW_CELLS = (
    (re.compile(r"HiSeq X\b"), _one_of("HiSeq X")),
    (re.compile(r"HiSeq 3000/4000"), _HISEQ_3000_4000),
    (re.compile(r"HiSeq (Rapid )?Flow Cell v[24]"), _HISEQ_2500),
)

_PREFIXES = tuple(
    (re.compile(pattern, re.ASCII), candidates)
    for pattern, candidates in (
        (r"M\d{5}|HWI-M\d{4}", _one_of("MiSeq")),
        (r"SH\d{5}", _one_of("MiSeq i100", "MiSeq i100 Plus")),
        (r"SL\d{5}", _one_of("MiSeq i100")),
        (r"MN\d{5}|ML-..-\d\d", _one_of("MiniSeq")),
        (r"FS\d{8}", _one_of("iSeq 100")),
        (r"NS500\d{3}|NB50\d{4}", _one_of("NextSeq 500")),
        (r"NB55\d{4}", _one_of("NextSeq 550")),
        (r"NDX550\d{3}(_RUO)?", _one_of("NextSeq 550Dx")),
        # Can be upgraded to a 2000 and keeps its id.
        (r"VL\d{5}", _one_of("NextSeq 1000", "NextSeq 2000")),
        (r"VH\d{5}", _one_of("NextSeq 2000")),
        (r"HWUSI-.+|HWI-EAS.+", _one_of("Genome Analyzer II")),
        (r"SN7001\d*", _one_of("HiSeq 1000/2000", "HiSeq 2500")),
        (r"SN\d+|HWI-ST\d+", _one_of("HiSeq 1000/2000")),
        (r"C\d{5}|HWI-C.+", _one_of("HiSeq 1500")),
        (r"D\d{5}|HWI-D.+", _one_of("HiSeq 2500")),
        (r"J\d{5}", _one_of("HiSeq 3000")),
        (r"K\d{5}", _one_of("HiSeq 4000", "HiSeq 3000")),
        (r"E\d{5}|ST-E\d{5}", _one_of("HiSeq X")),
        (r"A\d{5}", _one_of("NovaSeq 6000")),
        (r"LH\d{5}", _one_of("NovaSeq X", "NovaSeq X Plus")),
    )
)


@dataclass(frozen=True, slots=True)
class Detected:
    """The model, and what the instrument id means where it contradicts."""

    model: str | None
    contradicted_by: str | None = None


def by_instrument_id(instrument_id: str | None) -> Candidates | None:
    """Models whose instrument ids look like this one; None if unknown."""
    for pattern, candidates in _PREFIXES:
        if instrument_id and pattern.fullmatch(instrument_id):
            return candidates
    return None


def detect(
    instrument_id: str | None,
    *,
    instrument_type: str | None = None,
    flow_cell_text: str | None = None,
    application: str | None = None,
) -> Detected:
    """The model; the XML wins over the instrument id, which narrows it down."""
    stated = (
        _by_spelling(instrument_type)
        or _by_flow_cell(flow_cell_text)
        or _by_spelling(application)
    )
    meant = by_instrument_id(instrument_id)
    if stated is None:
        return Detected(meant.label if meant else None)
    if meant is None:
        return Detected(stated.label)
    common = [model for model in meant.models if model in stated.models]
    if not common:
        return Detected(stated.label, contradicted_by=meant.label)
    return Detected(common[0])


def has_sides(model: str | None) -> bool:
    """Does the model hold two flow cells, A and B?"""
    return (model or "").startswith(("HiSeq", "NovaSeq"))


def _by_spelling(words: str | None) -> Candidates | None:
    squeezed = re.sub(r"[^a-z0-9]", "", (words or "").lower())
    return next((found for key, found in _LONGEST_FIRST if key in squeezed), None)


def _by_flow_cell(words: str | None) -> Candidates | None:
    return next(
        (found for pattern, found in _FLOW_CELLS if pattern.search(words or "")), None
    )
