"""Who runs a command."""

from __future__ import annotations

import getpass

from seqhub.operations.choices import Source
from seqhub.operations.services.events import Actor


def shell_actor() -> Actor:
    """The user of the shell, as events name them."""
    try:
        return Actor(Source.COMMAND, getpass.getuser())
    except (KeyError, OSError):  # a user id without a name, as in a container
        return Actor(Source.COMMAND)
