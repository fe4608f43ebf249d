"""What a Nextflow user needs, so that a run appears here."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.urls import reverse

_HERE_ONLY = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Start:
    """Lines to copy, with the address that Nextflow reports to."""

    command: str
    variable: str
    config: str
    token_command: str
    token_page: str  # empty: this person makes no tokens
    is_here_only: bool  # other computers don't reach the address


def start_of(request: HttpRequest) -> Start:
    public = settings.CONFIG.server.public_url
    url = str(public) if public else f"{request.scheme}://{request.get_host()}"
    url = url.rstrip("/")
    host = split_domain_port(request.get_host())[0]
    may_make = request.user.has_perm("operations.add_apitoken")
    return Start(
        command=f"nextflow run <pipeline> -with-tower {url}",
        variable="export TOWER_ACCESS_TOKEN=<token>",
        config=f"tower {{\n    enabled = true\n    endpoint = '{url}'\n}}",
        token_command="seqhub token create NAME --scope trace --user "
        + request.user.get_username(),
        token_page=reverse("admin:operations_apitoken_add") if may_make else "",
        is_here_only=not public and host in _HERE_ONLY,
    )
