"""`/api/launches/{id}/log`: what Nextflow prints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from seqhub.lib.patience import within
from seqhub.operations.api.openapi import errors
from seqhub.operations.api.plain_json import AlwaysFirst
from seqhub.operations.choices import Scope
from seqhub.operations.errors import InvalidValue, NotFound
from turret.choices import ENDED_LAUNCH
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.pieces import Mark, read_piece
from turret.engine.launching.tail import tail
from turret.engine.masking import mask
from turret.models import Launch
from turret.selectors import find_launch

PATIENCE_S = 5.0
LINES = 200
MOST_LINES = 10_000
# Of an answer to a follower.
MOST_BYTES = 256 << 10
# Where the next lines begin, and whether any will come.
OFFSET, STATE = "X-Next-Offset", "X-Launch-State"


class LaunchLog(APIView):
    """What a launch prints, secrets masked.

    The last lines (`tail`), or the whole lines from an offset on, for those who follow
    it: `X-Next-Offset` is where the next ones begin, `X-Launch-State` tells when no
    more will come. An offset within a line skips the rest of that.
    """

    # Errors are JSON, whatever Accept says.
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysFirst
    model_permissions: ClassVar = {Scope.READ: "turret.view_launch"}

    @extend_schema(
        operation_id="launch_log",
        parameters=[
            OpenApiParameter(
                "tail", OpenApiTypes.INT, description=f"At most {MOST_LINES:,} lines."
            ),
            OpenApiParameter("offset", OpenApiTypes.INT, description="In bytes."),
        ],
        responses={(200, "text/plain"): OpenApiTypes.STR, **errors(400, 404, 503)},
    )
    def get(self, request: Request, launch_id: str) -> HttpResponse:
        launch = find_launch(launch_id)
        place = launch.directory
        is_elsewhere = launch.host != settings.CONFIG.host
        if is_elsewhere and not within(PATIENCE_S, place, os.path.isdir, place):
            raise NotFound(f"Its log is on {launch.host}; ask there.")
        try:
            text, headers = _asked(request, launch)
        except OSError as error:
            raise NotFound(f"Its log can't be read: {error.strerror}.") from None
        return HttpResponse(
            mask(text), content_type="text/plain; charset=utf-8", headers=headers
        )


def _asked(request: Request, launch: Launch) -> tuple[str, dict[str, str]]:
    """Text and headers. Raises InvalidValue, TimedOut, OSError."""
    place = launch.directory
    file = LaunchFiles(Path(place)).output
    headers = {STATE: launch.state}
    if "offset" not in request.query_params:
        lines = min(_number(request, "tail", LINES), MOST_LINES)
        return within(PATIENCE_S, place, tail, file, lines=lines), headers
    offset = _number(request, "offset", 0)
    is_over = launch.state in ENDED_LAUNCH
    text, after = within(PATIENCE_S, place, lines_from, file, offset, is_over)
    return text, {**headers, OFFSET: str(after)}


def lines_from(path: Path, offset: int, is_over: bool) -> tuple[str, int]:
    """The whole lines that begin at the offset or after it, and where the next ones
    begin; a file that is shorter is read from its beginning. May hang with the disk.

    Half a line would be half a secret, which is not known for one.
    """
    try:
        inode = path.stat(follow_symlinks=False).st_ino
    except OSError:
        return "", 0
    # From the byte before: the line that it ends or stands in is not wanted.
    start = max(offset - 1, 0)
    mark = Mark(inode, start, start)
    piece = read_piece(path, mark, most=MOST_BYTES, is_over=is_over)
    if piece is None:
        return "", offset
    lines = piece.lines if piece.begins_anew or not offset else piece.lines[1:]
    return "".join(f"{line}\n" for line in lines), piece.offsets[-1]


def _number(request: Request, name: str, default: int) -> int:
    """Raises InvalidValue."""
    text = request.query_params.get(name, str(default))
    # Of at most so many digits that it is an offset in a file.
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidValue(f"{name} must be a number, as in {name}=100.")
    return int(text)
