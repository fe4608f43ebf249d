"""What all apps share: events, attention, heartbeats, API tokens."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from seqhub.operations.choices import Scope, Source


class Event(models.Model):
    """Something that happened; append-only.

    `subject` is "<model>:<id>" ("runfolder:7"). The run folder is named and
    weakly referenced, so the history survives when the row is forgotten.
    """

    subject = models.CharField(max_length=100)
    runfolder_name = models.CharField(max_length=1024, blank=True)
    runfolder_ref = models.BigIntegerField(null=True)
    source = models.CharField(max_length=20, choices=Source.choices)
    kind = models.CharField(max_length=60)
    actor = models.CharField(max_length=150, blank=True)
    message = models.TextField()
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"]),
            models.Index(fields=["subject", "-at"]),
            models.Index(
                fields=["runfolder_ref", "-at"],
                condition=models.Q(runfolder_ref__isnull=False),
                name="event_of_runfolder",
            ),
        ]

    def __str__(self) -> str:
        return self.message


class Attention(models.Model):
    """Something that a person should look at; the row goes when it is over."""

    subject = models.CharField(max_length=100)
    code = models.CharField(max_length=60)
    runfolder_name = models.CharField(max_length=1024, blank=True)
    runfolder_ref = models.BigIntegerField(null=True)
    since = models.DateTimeField()
    message = models.TextField()
    next_step = models.TextField(blank=True)
    # A person has seen it and wants it out of the dashboard.
    ignored_at = models.DateTimeField(null=True)
    ignored_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-since"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "code"], name="attention_once_per_subject_and_code"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["runfolder_ref"])]
        verbose_name_plural = "attention"

    def __str__(self) -> str:
        return self.message


class Heartbeat(models.Model):
    """Who beats: the last sign of life of a role on a host."""

    host = models.CharField(max_length=255)
    role = models.CharField(max_length=300)
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["host", "role"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "role"], name="heartbeat_once_per_host_and_role"
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} on {self.host}"


class ApiToken(models.Model):
    """Who may call. Only the SHA-256 of the token is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # The first letters, so that a person can tell which one leaked.
    hint = models.CharField(max_length=12, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    # "launch:7": works for this launch only.
    bound_to = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name
