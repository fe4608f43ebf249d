from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "seqhub.console"
    label = "console"
