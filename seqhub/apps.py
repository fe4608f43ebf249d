from __future__ import annotations

from django.apps import AppConfig


class SeqHubConfig(AppConfig):
    name = "seqhub"
    verbose_name = "SeqHub"

    def ready(self) -> None:
        # Here, because checks read the settings, which must be complete.
        from seqhub import checks  # noqa: F401
