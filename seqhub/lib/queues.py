"""The names of the queues."""

from __future__ import annotations

# Short work that any host can do.
DEFAULT = "default"


def local(host: str) -> str:
    """Short work that needs this host's disks or processes."""
    return f"local-{host}"


def long(host: str) -> str:
    """Work of hours on this host: sealing, verifying, restoring, measuring."""
    return f"long-{host}"
