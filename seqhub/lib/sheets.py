"""CSV that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from seqhub.lib.turns import Turn

# Of a sheet, in memory; the rest is written to the disk.
_IN_MEMORY_BYTES = 1 << 20
_CHUNK_BYTES = 256 << 10


class _Echo:
    """A file that gives back what is written, for csv."""

    def write(self, line: str) -> str:
        return line


def csv_lines(
    columns: Iterable[str], rows: Iterable[Iterable[object]]
) -> Iterator[str]:
    """The heading and a line a row, to be streamed; None is an empty cell."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([harmless(value) for value in row])


def csv_answer(
    request: HttpRequest,
    name: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[object]],
) -> StreamingHttpResponse:
    """A file to keep. Raises NoTurn.

    All rows are read before the first is sent: whoever reads slowly must not keep a
    connection to the database meanwhile.
    """
    turn = Turn(request)
    try:
        file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - sent below
        for line in csv_lines(columns, rows):
            file.write(line.encode(errors="backslashreplace"))
        size_bytes = file.tell()
        file.seek(0)
    except BaseException:
        turn.close()
        raise
    if not connection.in_atomic_block:
        connection.close()
    return StreamingHttpResponse(
        turn.give(_chunks(file)),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Length": str(size_bytes),
            "Content-Disposition": content_disposition_header(True, name) or "",
        },
    )


def _chunks(file: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with file:
        while data := file.read(_CHUNK_BYTES):
            yield data


def harmless(value: object) -> object:
    """A cell that no spreadsheet takes for a formula.

    Names come from files and clients: `=HYPERLINK(...)` must stay text.
    """
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
