from __future__ import annotations

from django.apps import AppConfig


class TurretConfig(AppConfig):
    name = "turret"
