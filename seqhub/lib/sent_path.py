"""The path of a request as the client sent it, byte for byte.

Django percent-encodes bytes that are not UTF-8 in `request.path_info`, where they
can't be told from a name that holds percent signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest

KEY = "seqhub.sent_path"

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def keep_sent_path(application: Application) -> Application:
    """The WSGI application, with the path put aside before Django rewrites it."""

    def keeping(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ[KEY] = environ["PATH_INFO"]
        return application(environ, start_response)

    return keeping


def sent_path(request: HttpRequest) -> bytes:
    """What was sent; what Django made of it where nothing was put aside."""
    if KEY not in request.META:
        return request.path_info.encode()
    # WSGI hands bytes over as Latin-1 (PEP 3333).
    return str(request.META[KEY]).encode("latin-1")
