"""System checks of the installation and of what the configuration opens up."""

from __future__ import annotations

import shutil
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core import checks

from seqhub.config import Config

# The mode bits that a secret must not have; a group of its own may read it.
NOT_FOR_OTHERS = 0o037


@checks.register
def data_directory(**_: Any) -> list[checks.CheckMessage]:
    """Links can hide what the configuration itself refuses."""
    config: Config = settings.CONFIG
    data_dir = config.data_dir.resolve()
    return [
        checks.Error(
            f"data_dir: {config.data_dir} lies in the monitored directory {root.path}.",
            hint="Its files could be browsed there: choose another data directory.",
            id="seqhub.E001",
        )
        for root in config.runfolders.monitored_directories
        if not config.is_tryout and data_dir.is_relative_to(root.path)
    ]


@checks.register
def secret_key(**_: Any) -> list[checks.CheckMessage]:
    config: Config = settings.CONFIG
    try:
        mode = config.secret_key_path.stat().st_mode
    except OSError:
        if config.secret_key_file is None:  # `up` makes it
            return []
        return [
            checks.Error(
                f"secret_key_file: {config.secret_key_file} can't be read.",
                hint="Correct the path, or leave it out to have a key made.",
                id="seqhub.E002",
            )
        ]
    if not mode & NOT_FOR_OTHERS:
        return []
    return [
        checks.Warning(
            f"{config.secret_key_path} is open to other users.",
            hint=f"Who reads it can sign sessions: chmod 600 {config.secret_key_path}",
            id="seqhub.W001",
        )
    ]


@checks.register
def programs(**_: Any) -> list[checks.CheckMessage]:
    return [
        checks.Warning(
            f"The program {name} is not in PATH.",
            hint=f"Install it: apt install {package}",
            id="seqhub.W002",
        )
        for name, package in (("tar", "tar"), ("gpg", "gnupg"))
        if shutil.which(name) is None
    ]


@checks.register
def exposure(**_: Any) -> list[checks.CheckMessage]:
    """What is open to more people than it may seem."""
    config: Config = settings.CONFIG
    found: list[checks.CheckMessage] = []
    url = config.server.public_url
    if not _is_loopback(config.server.host) and not (url and url.scheme == "https"):
        found.append(
            checks.Warning(
                f"Passwords and tokens cross the network of {config.server.host} in"
                " the clear.",
                hint="Put a proxy with TLS in front, listen on 127.0.0.1 and set"
                " server.public_url (docs/operations.md).",
                id="seqhub.W003",
            )
        )
    for key, networks, what in (
        ("api.open_to", config.api.open_to, "Anybody can change runs without a token"),
        (
            "server.trusted_proxies",
            config.server.trusted_proxies,
            "Anybody can claim any address by an X-Forwarded-For header",
        ),
    ):
        found += [
            checks.Warning(
                f"{key}: {network} is everybody. {what}.",
                hint="Name the networks or addresses that you mean.",
                id="seqhub.W004",
            )
            for network in networks
            if network.prefixlen == 0
        ]
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@checks.register
def queues(**_: Any) -> list[checks.CheckMessage]:
    """A message that comes back while its task still runs is done twice."""
    default: dict[str, Any] = settings.Q_CLUSTER
    clusters = {default["cluster_name"]: default, **default["ALT_CLUSTERS"]}
    return [
        checks.Error(
            f"Q_CLUSTER: {name} retries after {cluster['retry']} s what may run for"
            f" {cluster['timeout']} s.",
            hint="Make retry the longer one.",
            id="seqhub.E003",
        )
        for name, cluster in clusters.items()
        if cluster["timeout"] and cluster["retry"] <= cluster["timeout"]
    ]
