"""Example run folders that ship with the package, for try-out mode and tests.

`runfolders/examples/<run>/` are real run folders with their InterOp files, and
`runfolders/examples/small/<run>/` real RunInfo and RunParameters files alone. None
has the markers that its instrument wrote last: they are made here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

_EXAMPLES = Path(__file__).parents[1] / "examples"

_STATUS = """<?xml version="1.0"?>
<RunCompletionStatus>
  <CompletionStatus>{word}</CompletionStatus>
  <RunId>{run_id}</RunId>
  <ErrorDescription>None</ErrorDescription>
</RunCompletionStatus>
"""
_STATUS_FILE = "RunCompletionStatus.xml"

# Empty files, by run; the status file is written with the word below.
_MARKERS: Mapping[str, tuple[str, ...]] = {
    "200624_A00834_0183_BHMTFYTINY": (
        "RTAComplete.txt",
        "SequenceComplete.txt",
        "CopyComplete.txt",
    ),
    "230825_M04034_0043_000000000-L6NVV": (
        "Basecalling_Netcopy_complete.txt",
        "RTAComplete.txt",
        _STATUS_FILE,
        "CopyComplete.txt",
    ),
    # Ended early.
    "120705_M00903_0009_A000000000-A12V4": (
        "Basecalling_Netcopy_complete.txt",
        "RTAComplete.txt",
        _STATUS_FILE,
        "CopyComplete.txt",
    ),
    "150424_ST-E00214_0031_BH2WY7CCXX": (
        "RTARead1Complete.txt",
        "RTARead2Complete.txt",
        "RTARead3Complete.txt",
        "RTAComplete.txt",
    ),
    "170726_D00118_0303_BCB1TVANXX": (
        "Basecalling_Netcopy_complete.txt",
        "RTAComplete.txt",
    ),
    # Waits for its last marker, RTAComplete.txt.
    "170920_D00118_0309_BHVLWWBCXY": ("Basecalling_Netcopy_complete.txt",),
}
_WORDS = {
    "230825_M04034_0043_000000000-L6NVV": "CompletedAsPlanned",
    "120705_M00903_0009_A000000000-A12V4": "UserEndedEarly",
}


def install_examples(directory: Path) -> list[Path]:
    """Copy the example runs into an existing directory, with their markers.

    Returns the run folders that were made: what is there stays as it is. Each
    appears whole or not at all. Raises OSError.
    """
    sources = {path.name: path for path in _EXAMPLES.glob("*_*_*")}
    sources |= {path.name: path for path in _EXAMPLES.glob("small/*_*_*")}
    return [
        _install(sources[name], directory / name, markers)
        for name, markers in _MARKERS.items()
        if not (directory / name).exists()
    ]


def _install(source: Path, target: Path, markers: tuple[str, ...]) -> Path:
    # Hidden, so that no scan sees it; a leftover is of an install that was killed.
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    # Without the package's modes: it may be installed read-only.
    shutil.copytree(source, partial, copy_function=shutil.copyfile)
    for marker in markers:
        content = ""
        if marker == _STATUS_FILE:
            content = _STATUS.format(word=_WORDS[target.name], run_id=target.name)
        (partial / marker).write_text(content)
    return partial.rename(target)
