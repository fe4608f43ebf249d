"""`/api/archives/{id}/manifest`: what an archive holds, in pages or as one text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO, ClassVar

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from archiving.api.rows import archive_at
from archiving.engine.browse import Directory, list_directory, search
from archiving.engine.manifest import (
    ManifestDamaged,
    checksum_line,
    read_manifest,
)
from archiving.engine.members import Kind, Member, shown
from archiving.errors import ManifestNotHere
from archiving.models import ArchiveJob
from archiving.services.manifests import open_manifest
from seqhub.lib.patience import patient, within
from seqhub.operations.api.openapi import errors
from seqhub.operations.api.pagination import Page
from seqhub.operations.choices import Scope
from seqhub.operations.errors import InvalidValue, NotFound

# Millions of lines may be read for a page or a block of a stream; only a disk that
# hangs takes longer.
ANSWER_S = 60.0
BLOCK_BYTES = 1 << 16
_HIDDEN_BYTE = re.compile(rb"\\x([0-9a-f]{2})")

Entry = Member | Directory


class MemberSerializer(serializers.Serializer[dict[str, Any]]):
    """A line of the manifest."""

    name = serializers.CharField(
        help_text="Begins with the run's name; a byte that is not UTF-8 is `\\xe5`."
    )
    kind = serializers.CharField(help_text="file, directory, symlink, hard_link, ...")
    mode = serializers.CharField(help_text="Octal, as in 0644.")
    bytes = serializers.IntegerField(
        help_text="Of a directory that is listed: of all files below it."
    )
    mtime = serializers.IntegerField(help_text="Seconds since 1970.")
    sha256 = serializers.CharField(help_text="Of files; else empty.")
    target = serializers.CharField(help_text="Of links; else empty.")
    files = serializers.IntegerField(
        allow_null=True, help_text="Of a directory that is listed: files below it."
    )


class MemberPageSerializer(serializers.Serializer[dict[str, Any]]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = MemberSerializer(many=True)


class TextRenderer(BaseRenderer):
    """Chosen by `?format=text` or `Accept: text/plain`; errors are one line."""

    media_type = "text/plain"
    format = "text"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> str:
        return f"{data['code']}: {data['message']}\n"


class Manifest(APIView):
    """Files, directories and links of an archive.

    As JSON in pages: all members in the archive's order, what lies in a directory,
    or what a search finds. As text (`?format=text` or `Accept: text/plain`),
    streamed: the manifest as it is, which `sha256sum -c` reads; with a directory or
    words its lines of the files below it or with such names.
    """

    renderer_classes = (JSONRenderer, BrowsableAPIRenderer, TextRenderer)
    model_permissions: ClassVar = {Scope.READ: "archiving.view_archivejob"}

    @extend_schema(
        operation_id="archive_manifest",
        parameters=[
            OpenApiParameter(
                "directory", description="A name as the answers spell it."
            ),
            OpenApiParameter("q", description="In the name, in any case."),
            OpenApiParameter("limit", OpenApiTypes.INT),
            OpenApiParameter("offset", OpenApiTypes.INT),
        ],
        responses={
            (200, "application/json"): MemberPageSerializer,
            (200, "text/plain"): OpenApiTypes.STR,
            **errors(400, 404, 409),
        },
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        directory = request.query_params.get("directory", "").strip("/")
        words = request.query_params.get("q", "")
        if directory and words:
            raise InvalidValue("Send either directory or q.")
        job = archive_at(pk)
        if isinstance(request.accepted_renderer, TextRenderer):
            return _stream(job, directory, words)
        pages = Page()
        pages.request = request
        pages.limit = pages.get_limit(request)
        pages.offset = pages.get_offset(request)
        pages.count, entries = _page(
            job, directory, words, pages.offset, pages.limit or 0
        )
        return pages.get_paginated_response([as_json(entry) for entry in entries])


def as_json(entry: Entry) -> dict[str, Any]:
    """What MemberSerializer documents."""
    files, size_bytes = None, None
    if isinstance(entry, Directory):
        files, size_bytes, entry = entry.files, entry.size_bytes, entry.member
    return {
        "name": shown(entry.name),
        "kind": entry.kind.name.lower(),
        "mode": f"{entry.mode:04o}",
        "bytes": entry.size if size_bytes is None else size_bytes,
        "mtime": entry.mtime,
        "sha256": entry.sha256,
        "target": shown(entry.target),
        "files": files,
    }


def _page(
    job: ArchiveJob, directory: str, words: str, offset: int, limit: int
) -> tuple[int, Iterable[Entry]]:
    """How many there are on all pages, and those of this one."""

    def read() -> tuple[int, Iterable[Entry]]:
        if not directory:
            with open_manifest(job) as file:
                page = search(file, words, offset, limit)
            return page.total, page.members
        for name in _spellings(directory):
            with open_manifest(job) as file:
                listing = list_directory(file, name, offset, limit)
            if listing is not None:
                return listing.total, (*listing.directories, *listing.others)
        raise NotFound(f"There is no directory {directory[:200]!r} in {job.name}.")

    try:
        return within(ANSWER_S, _place(job), read)
    except ManifestDamaged as error:
        raise ManifestNotHere(
            f"The list of files of {job.name} is damaged: {error}. Verify the archive "
            "where its key can be opened; that puts it back."
        ) from error


def _stream(job: ArchiveJob, directory: str, words: str) -> StreamingHttpResponse:
    read = _as_it_is
    if directory or words:
        read = partial(_matching, _matcher(directory, words))
    blocks = patient(ANSWER_S, _place(job), _blocks(job, read))
    # It is empty, and once it has come nothing is refused any more.
    next(blocks)
    return StreamingHttpResponse(blocks, content_type="text/plain; charset=utf-8")


def _blocks(
    job: ArchiveJob, read: Callable[[BinaryIO], Iterator[bytes]]
) -> Iterator[bytes]:
    with open_manifest(job) as file:
        yield b""
        yield from read(file)


def _as_it_is(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


def _matching(matches: Callable[[bytes], bool], file: BinaryIO) -> Iterator[bytes]:
    block = bytearray()
    for member in read_manifest(file)[1]:
        if member.kind is Kind.FILE and matches(member.name):
            block += checksum_line(member.sha256, member.name)
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _matcher(directory: str, words: str) -> Callable[[bytes], bool]:
    if words:
        wanted = words.casefold()
        return lambda name: wanted in shown(name).casefold()
    starts = tuple(spelling + b"/" for spelling in _spellings(directory))
    return lambda name: name.startswith(starts)


def _spellings(name: str) -> list[bytes]:
    """The names that are shown as `name`: as it stands, and with each `\\xe5` a
    byte."""
    plain = name.encode()
    hidden = _HIDDEN_BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), plain)
    return [plain] if hidden == plain else [plain, hidden]


def _place(job: ArchiveJob) -> str:
    """What may hang."""
    return f"the manifests on {job.manifest_host}"
