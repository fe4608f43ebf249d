"""Believing a reverse proxy, but only a configured one."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class TrustedProxies:
    """Takes client address, scheme and host from X-Forwarded-* headers.

    Only from peers in `server.trusted_proxies`, and of X-Forwarded-For only
    the last address that is not such a peer: what stands before it was
    written by the client. From anybody else the headers are dropped.
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
            for hop in reversed([part.strip() for part in forwarded.split(",")]):
                if _address(hop) is None:
                    break
                meta["REMOTE_ADDR"] = hop
                if not self._is_proxy(hop):
                    break
            if scheme in ("http", "https"):
                meta["wsgi.url_scheme"] = scheme
            if host:
                meta["HTTP_HOST"] = host
        return self.get_response(request)

    def _is_proxy(self, text: str) -> bool:
        address = _address(text)
        return any(address in network for network in self.proxies if address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
