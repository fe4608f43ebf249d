"""One look at one directory: everything that the disk says of a run."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from runfolders.choices import Platform

from .facts import (
    Ending,
    FileStat,
    Listing,
    NotARun,
    Problem,
    RunFacts,
    SampleSheet,
    Unreadable,
)
from .files import read_regular, storable
from .illumina.names import parse_name
from .listing import MAX_ENTRIES, has_same_content, list_folder, mark_unsure
from .platform import PlatformReader
from .registry import is_watched, reader_for
from .sample_sheet.checks import check_against_run
from .sample_sheet.reading import (
    find_sample_sheets,
    read_sample_sheet,
)

log = logging.getLogger(__name__)

# Arteria's store of the state, beside the data; one word.
_ARTERIA_STATE = Path(".arteria", "state")
_MAX_STATE_BYTES = 1_000
# Of so many names that are no files each is told.
_MAX_IRREGULAR = 20


@dataclass(frozen=True, slots=True)
class Before:
    """What the last look left: its signature, and facts if they may be needed.

    Without facts cycles are counted only when the folder is read anew.
    """

    signature: str = ""
    facts: RunFacts | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. `error`: the folder can't be read, and all but the path,
    the platform and Arteria's state is to be ignored."""

    path: str
    platform: str
    signature: str = ""
    before: str = ""  # the signature that the look compared with
    facts: RunFacts | None = None  # None: as at the last look
    sheet: SampleSheet | None = None  # goes with `facts`
    sheet_problems: tuple[Problem, ...] = ()
    markers: Mapping[str, float] | None = None  # name -> mtime
    ending: Ending | None = None
    cycles_done: int | None = None
    error: str = ""
    no_run: str = ""  # why a known folder turns out to be no run
    arteria_state: str | None = None  # as the file has it; until it could be read

    @property
    def run_id(self) -> str:
        return (self.facts and self.facts.run_id) or ""

    @property
    def digest(self) -> str:
        return self.facts.digest if self.facts else ""


class Looker:
    """Looks at directories; `extra_markers` are names that the site's rules use."""

    def __init__(self, extra_markers: Iterable[str] = ()) -> None:
        self._extra_markers = {name.lower(): name for name in extra_markers}

    def look_at(self, path: str, before: Before | None = None) -> Look | None:
        """What is there; None if it is no run folder.

        `before` is None for a folder that is not known yet. What goes wrong in
        the folder is the Look's `error`. Raises FileNotFoundError or
        NotADirectoryError if there is no such directory, and Unreadable if not
        even the name of an unknown one tells that it is a run.
        """
        try:
            return self._look_at(path, before)
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            reason = f"The folder can't be read: {error.strerror or error}."
        except Exception:
            # A fault of ours in one folder must not keep others from being seen.
            log.exception("looking at %s", storable(path))
            reason = "The folder can't be understood; the log has the details."
        return _unreadable(path, before, reason)

    def _look_at(self, path: str, before: Before | None) -> Look | None:
        listing, signature = list_folder(Path(path), self._watched)
        reader = reader_for(listing)
        if reader is None:
            if before is None:
                return None
            return _unreadable(path, before, "What identifies the run is gone.")
        look = Look(
            path=path,
            platform=reader.key,
            signature=signature,
            before=before.signature if before else "",
        )
        try:
            return self._read(look, listing, reader, before)
        except Unreadable as error:
            return replace(
                look,
                signature=mark_unsure(signature),
                error=str(error),
                arteria_state=_arteria_state(path, before),
            )
        except NotARun as error:
            unsure = mark_unsure(signature)
            no_run = replace(look, signature=unsure, no_run=str(error))
            return no_run if before else None

    def _read(
        self,
        look: Look,
        listing: Listing,
        reader: PlatformReader,
        before: Before | None,
    ) -> Look:
        facts = before.facts if before else None
        is_same = bool(before and has_same_content(before.signature, look.signature))
        if not is_same:
            facts = reader.read(listing)
            problems = (*facts.problems, *_listing_problems(listing))
            facts = replace(facts, problems=problems)
            sheet = _sheet(listing)
            look = replace(
                look,
                facts=facts,
                sheet=sheet,
                sheet_problems=_sheet_problems(sheet, facts),
                arteria_state=_arteria_state(look.path, before),
            )
        return replace(
            look,
            markers={**self._extra(listing), **reader.markers(listing)},
            ending=reader.ending(listing),
            cycles_done=reader.cycles_done(listing, facts) if facts else None,
        )

    def _watched(self, name: str) -> bool:
        return is_watched(name) or name in self._extra_markers

    def _extra(self, listing: Listing) -> dict[str, float]:
        found = {
            name: listing.files.get(lower)
            for lower, name in self._extra_markers.items()
        }
        return {name: file.mtime for name, file in found.items() if file}


def _unreadable(path: str, before: Before | None, reason: str) -> Look:
    """A run that can't be read. Raises Unreadable if only its name could tell."""
    if before is None and parse_name(os.path.basename(path)) is None:
        raise Unreadable(reason)
    platform = before.facts.platform if before and before.facts else Platform.ILLUMINA
    signature = mark_unsure(before.signature) if before else ""
    return Look(
        path=path,
        platform=platform,
        signature=signature,
        before=before.signature if before else "",
        error=reason,
        arteria_state=_arteria_state(path, before),
    )


def _listing_problems(listing: Listing) -> Iterator[Problem]:
    if listing.truncated:
        message = f"The folder has more than {MAX_ENTRIES} entries."
        yield Problem("too_many_entries", message)
    for reason in islice(listing.irregular.values(), _MAX_IRREGULAR):
        yield Problem("not_a_file", reason)


def _sheet(listing: Listing) -> SampleSheet | None:
    sheets: tuple[FileStat, ...] = find_sample_sheets(listing)
    return read_sample_sheet(listing.path / sheets[0].name) if sheets else None


def _sheet_problems(sheet: SampleSheet | None, facts: RunFacts) -> tuple[Problem, ...]:
    if sheet is None:
        return ()
    return (*sheet.problems, *check_against_run(sheet, facts))


def _arteria_state(path: str, before: Before | None) -> str | None:
    """The word in `.arteria/state`; None if there is none that can be read, or if
    the run was read before."""
    if before and not (before.facts and not before.facts.digest):
        return None
    try:
        content = read_regular(Path(path, _ARTERIA_STATE), _MAX_STATE_BYTES)
    except Unreadable:
        return None
    return content.decode("utf-8", "replace").strip().lower()
