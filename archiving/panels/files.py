"""What is in an archive: its manifest, by directory or by words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from django.core.paginator import Page as PageOf
from django.core.paginator import Paginator
from django.http import QueryDict

from archiving.engine.browse import list_directory, search
from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.members import Kind, Member, shown
from archiving.errors import ManifestNotHere
from archiving.models import ArchiveJob
from archiving.services.manifests import open_manifest
from archiving.services.policy import current_policy
from seqhub.lib.panels import Panel
from seqhub.lib.patience import TimedOut, within

PER_PAGE = 200
LEFT_OUT_SHOWN = 100
# Reading a million lines takes some seconds.
_PATIENCE_S = 20

_KINDS: dict[Kind, str] = {
    Kind.FILE: "file",
    Kind.DIRECTORY: "directory",
    Kind.SYMLINK: "link",
    Kind.HARD_LINK: "second name",
    Kind.FIFO: "pipe",
    Kind.CHARACTER_DEVICE: "device",
    Kind.BLOCK_DEVICE: "device",
}
_ICONS: dict[Kind, str] = {
    Kind.FILE: "draft",
    Kind.DIRECTORY: "folder",
    Kind.SYMLINK: "link",
    Kind.HARD_LINK: "link",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the browser."""

    name: str
    key: str  # what the form and the links send
    kind: str
    icon: str
    size_bytes: int | None
    files: int | None  # below a directory
    mode: str
    target: str
    sha256: str

    @property
    def is_directory(self) -> bool:
        return self.files is not None


def key_of(name: bytes) -> str:
    """A member's name, whatever its bytes, as text that `name_of` turns back."""
    return quote_from_bytes(name, safe="/")


def name_of(key: str) -> bytes:
    return unquote_to_bytes(key)


def files_panels(job: ArchiveJob, query: QueryDict) -> list[Panel]:
    """The browser, and what was left out. Says why where there is nothing to see."""
    try:
        place = str(current_policy().manifests_dir)
        content, left_out = within(_PATIENCE_S, place, _read, job, query)
    except (ManifestNotHere, ManifestDamaged, OSError, TimedOut) as error:
        content, left_out = {"problem": _why(job, error)}, None
    panels = [
        Panel("files", "Files", "archiving/panels/files.html", {"job": job, **content})
    ]
    if left_out:
        panels.append(
            Panel(
                "left-out",
                "Left out",
                "archiving/panels/left_out.html",
                left_out,
                count=left_out["count"],
            )
        )
    return panels


def _why(job: ArchiveJob, error: Exception) -> str:
    if not job.sealed_at:
        return "The list of files is made while the run is sealed."
    words = error.message if isinstance(error, ManifestNotHere) else str(error)
    return f"The list of files can't be shown: {words.rstrip('.')}."


def _read(
    job: ArchiveJob, query: QueryDict
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The browser's content and that of what was left out."""
    words = query.get("q", "").strip()
    directory = name_of(query.get("dir", ""))
    number = query.get("page", "1")
    offset = (max(int(number), 1) - 1) * PER_PAGE if number.isdecimal() else 0
    with open_manifest(job) as file:
        header, _ = read_manifest(file)
        if not directory:
            directory = header.run.encode("utf-8", "surrogateescape")
        file.seek(0)
        if words:
            found = search(file, words, offset, PER_PAGE)
            lines = [_line(member, shown(member.name)) for member in found.members]
            total = found.total
        else:
            listing = list_directory(file, directory, offset, PER_PAGE)
            if listing is None:
                return {"problem": f"{shown(directory)} is not in the archive."}, None
            lines = [
                _line(entry.member, files=entry.files, size_bytes=entry.size_bytes)
                for entry in listing.directories
            ]
            lines += [_line(member) for member in listing.others]
            total = listing.total
    content = {
        "lines": lines,
        "words": words,
        "crumbs": [] if words else _crumbs(directory),
        "total": total,
        "page": _page(total, number),
    }
    left_out = {
        "entries": [
            (shown(entry.name), entry.reason.value, entry.files, entry.size_bytes)
            for entry in header.left_out[:LEFT_OUT_SHOWN]
        ],
        "patterns": header.exclusions,
        "count": header.left_out_count,
        "files": header.left_out_files,
        "size_bytes": header.left_out_bytes,
        "more": max(header.left_out_count - LEFT_OUT_SHOWN, 0),
    }
    return content, left_out if header.left_out_count else None


def _line(
    member: Member,
    name: str = "",
    *,
    files: int | None = None,
    size_bytes: int | None = None,
) -> Line:
    is_file = member.kind is Kind.FILE
    return Line(
        name=name or shown(member.name.rpartition(b"/")[2]),
        key=key_of(member.name),
        kind=_KINDS[member.kind],
        icon=_ICONS.get(member.kind, "settings_input_component"),
        size_bytes=member.size if is_file else size_bytes,
        files=files,
        mode=f"{member.mode:04o}",
        target=shown(member.target),
        sha256=member.sha256,
    )


def _crumbs(directory: bytes) -> list[tuple[str, str]]:
    """Name and key of the directory and of each above it."""
    parts = directory.split(b"/")
    return [
        (shown(part), key_of(b"/".join(parts[: number + 1])))
        for number, part in enumerate(parts)
    ]


def _page(total: int, number: str) -> PageOf[int]:
    return Paginator(range(total), PER_PAGE).get_page(number)


def size_of(job: ArchiveJob, names: Iterable[str]) -> int | None:
    """Bytes of these members and all that is below them; None where the manifest
    can't be read."""
    wanted = frozenset(names)
    place = str(current_policy().manifests_dir)
    try:
        return within(_PATIENCE_S, place, _sum, job, wanted)
    except (ManifestNotHere, ManifestDamaged, OSError, TimedOut):
        return None


def _sum(job: ArchiveJob, wanted: frozenset[str]) -> int:
    below = tuple(f"{name}/" for name in wanted)
    with open_manifest(job) as file:
        return sum(
            member.size
            for member in read_manifest(file)[1]
            if (name := shown(member.name).partition("/")[2]) in wanted
            or name.startswith(below)
        )
