"""Words that all apps share."""

from __future__ import annotations

from django.db.models import TextChoices


class Scope(TextChoices):
    """What an API token may do."""

    READ = "read", "read"
    WRITE = "write", "write"
    TRACE = "trace", "trace"


class Source(TextChoices):
    """Through which door something happened."""

    API = "api", "API"
    CONSOLE = "console", "console"
    COMMAND = "command", "command"
    SCANNER = "scanner", "scanner"
    SUPERVISOR = "supervisor", "supervisor"
    SYSTEM = "system", "system"
    TRACE = "trace", "Nextflow"


# The roles of staff, as Django groups; each may what the one before may.
ROLES = ("viewer", "operator", "manager")
