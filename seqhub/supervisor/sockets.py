"""The sockets that `up` listens on and hands to the web server.

They belong to `up`, so a restart of the web server refuses nobody: meanwhile
connections wait in the kernel's queue.
"""

from __future__ import annotations

import errno
import socket
import struct

from seqhub.supervisor.errors import ExitCode, Refused

BACKLOG = 2048
# So long a client may say nothing in the middle of a request, or take nothing of its
# answer: it holds a thread of the web server, which knows no limit itself. Accepted
# connections inherit it (socket(7), SO_RCVTIMEO); idle ones between two requests hold
# no thread and are not meant.
SILENCE_S = 30
# How long requests that run may go on when the web server is told to stop.
GRACE_S = 30


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of `host`. Raises Refused."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except socket.gaierror as error:
        raise Refused(
            ExitCode.CONFIGURATION, f"server.host: {host!r}: {error.strerror}"
        ) from None
    sockets: list[socket.socket] = []
    trouble: OSError | None = None
    for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
        try:
            sockets.append(_listen(family, address))
        except OSError as error:
            trouble = error
            if error.errno != errno.EADDRNOTAVAIL:
                break
    # localhost is often also ::1, which then often does not exist.
    if trouble and not (sockets and trouble.errno == errno.EADDRNOTAVAIL):
        for listening in sockets:
            listening.close()
        raise _refusal(host, port, trouble)
    return sockets


def _listen(family: int, address: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            limit = struct.pack("ll", SILENCE_S, 0)
            listening.setsockopt(socket.SOL_SOCKET, direction, limit)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _refusal(host: str, port: int, error: OSError) -> Refused:
    if error.errno == errno.EADDRINUSE:
        return Refused(
            ExitCode.PORT_IN_USE,
            f"port {port} on {host} is in use by another program:"
            " choose another one (--port, server.port)",
        )
    return Refused(
        ExitCode.CONFIGURATION,
        f"server.host, server.port: can't listen on {host} port {port}:"
        f" {error.strerror}",
    )
