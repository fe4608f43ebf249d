"""Reading the body of a request, within bounds."""

from __future__ import annotations

import logging
from typing import Any

from turret.engine.body import MAX_BYTES, SHED_ABOVE_BYTES, parse, shed
from turret.engine.records import JsonObject, Update
from turret.engine.trace import read_update
from turret.engine.unread import Unread, split
from turret.errors import BadTrace

logger = logging.getLogger(__name__)

STEP_BYTES = 1 << 20
# What is read of a body that is too large, and thrown away: a client that is still
# sending does not hear the answer.
DISCARD_BYTES = 4 * MAX_BYTES
# So long a client may send nothing in the middle of a body; it holds a thread.
SILENCE_S = 30


class TooLarge(BadTrace):
    code = "too_large"
    status = 413


class CutShort(BadTrace):
    """The connection, or a proxy, has lost the end of the body.

    Of trouble that passes: the client sends it again.
    """

    code = "cut_short"
    status = 503


def read_object(environ: dict[str, Any]) -> JsonObject:
    """The JSON object that the body holds, cleaned.

    Of a heavy one, fields that no task needs are left out. Raises BadBody,
    TooLarge, CutShort.
    """
    return _parsed(_read(environ))


def read_progress(environ: dict[str, Any]) -> Update | Unread:
    """A progress or heartbeat body; of an ordinary one the tasks stay unread.

    Raises as `read_object`.
    """
    raw = _read(environ)
    return split(raw) or read_update(_parsed(raw))


def _parsed(raw: bytes) -> JsonObject:
    body = parse(raw)
    if len(raw) > SHED_ABOVE_BYTES:
        gone = shed(body)
        logger.warning(
            "A trace body of %d bytes came; left out: %s.",
            len(raw),
            ", ".join(gone) or "nothing",
        )
    return body


def _read(environ: dict[str, Any]) -> bytes:
    """The whole body, with a Content-Length or in chunks."""
    stream, length = environ["wsgi.input"], _content_length(environ)
    _limit_silence(environ)
    if length is None:
        # Without a length: chunks, where the server says that it ends them.
        most = MAX_BYTES + 1 if environ.get("wsgi.input_terminated") else 0
    else:
        most = min(length, MAX_BYTES + 1)
    try:
        raw = _read_most(stream, most)
        if len(raw) > MAX_BYTES:
            _discard(stream, DISCARD_BYTES if length is None else length - len(raw))
    except OSError as error:
        raise CutShort(f"The body ended too early: {error}.") from None
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BYTES:,} bytes.")
    if len(raw) < most and length is not None:
        raise CutShort(f"The body has {len(raw):,} bytes of {length:,}.")
    return raw


def _content_length(environ: dict[str, Any]) -> int | None:
    text = environ.get("CONTENT_LENGTH")
    if not text:
        return None
    if not str(text).isdecimal():
        raise BadTrace("Content-Length is no number.")
    return int(text)


def _read_most(stream: Any, most: int) -> bytes:
    pieces = []
    while most > 0 and (piece := stream.read(min(most, STEP_BYTES))):
        pieces.append(piece)
        most -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _discard(stream: Any, most: int) -> None:
    most = min(most, DISCARD_BYTES)
    while most > 0 and (piece := stream.read(min(most, STEP_BYTES))):
        most -= len(piece)


def _limit_silence(environ: dict[str, Any]) -> None:
    """gunicorn's threads wait for ever for the rest of a body."""
    if connection := environ.get("gunicorn.socket"):
        connection.settimeout(SILENCE_S)
