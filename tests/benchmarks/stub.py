"""The floor of tower_load: an ASGI app that reads a body and answers `{}`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """`workflowId` is for create: the generator needs one to go on with."""
    if scope["type"] != "http":
        return
    body = b""
    has_more = True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    json.loads(body)
    is_create = scope["path"].endswith("/create")
    answer = b'{"workflowId":"stub"}' if is_create else b"{}"
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
