"""What callers send."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from archiving.choices import Depth


class RunSerializer(serializers.Serializer[dict[str, Any]]):
    """Which run is to be sealed: one of the two."""

    run = serializers.CharField(
        required=False,
        max_length=4096,
        help_text="Its name, `sequencer/run`, or its path.",
    )
    runfolder = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Id of a run folder.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Send either run or runfolder.")
        return attrs


class ReasonSerializer(serializers.Serializer[dict[str, str]]):
    reason = serializers.CharField(
        default="", allow_blank=True, max_length=1000, help_text="Kept in the events."
    )


class VerifySerializer(serializers.Serializer[dict[str, Any]]):
    """How deep to look."""

    depth = serializers.ChoiceField(
        [Depth.FULL, Depth.BYTES],
        default=Depth.FULL,
        help_text="`full`: each file, which takes a secret key; `bytes`: the "
        "archive's own digest.",
    )
    with_source = serializers.BooleanField(
        default=False, help_text="Compare the run folder with the manifest, too."
    )
    deep = serializers.BooleanField(
        default=False, help_text="Compare the digests of its files as well."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["deep"] and not attrs["with_source"]:
            raise serializers.ValidationError("deep goes with with_source only.")
        return attrs
