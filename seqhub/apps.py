from __future__ import annotations

from django.apps import AppConfig


class SeqHubConfig(AppConfig):
    name = "seqhub"
    verbose_name = "SeqHub"
