"""Believing a reverse proxy, but only a configured one."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# With a port, as some balancers write it: 192.0.2.7:4711, [2001:db8::1]:4711.
WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([^]]*)\](?::[0-9]+)?")


class TrustedProxies:
    """Takes client address, scheme and host from X-Forwarded-* headers.

    Only from peers in `server.trusted_proxies`, and of X-Forwarded-For only
    the last address that is not such a peer: what stands before it was
    written by the client. From anybody else the headers are dropped.

    A caller whose address the proxy does not tell has none (""): the proxy's own
    would let it in wherever the proxy's network may go.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.proxies = settings.CONFIG.server.trusted_proxies

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        forwarded = meta.pop("HTTP_X_FORWARDED_FOR", "")
        scheme = meta.pop("HTTP_X_FORWARDED_PROTO", "")
        host = meta.pop("HTTP_X_FORWARDED_HOST", "")
        if self._is_proxy(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = self._client(forwarded)
            if scheme in ("http", "https"):
                meta["wsgi.url_scheme"] = scheme
            if host:
                meta["HTTP_HOST"] = host
        return self.get_response(request)

    def _client(self, forwarded: str) -> str:
        client = ""
        for hop in reversed(forwarded.split(",")):
            address = _address(hop)
            if address is None:
                return ""
            client = str(address)
            if not self._is_proxy(client):
                break
        return client

    def _is_proxy(self, text: str) -> bool:
        address = _address(text)
        return any(address in network for network in self.proxies if address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    if found := WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 peers as ::ffff:10.0.0.1.
    return getattr(address, "ipv4_mapped", None) or address
