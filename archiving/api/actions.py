"""What people do to an archive's job: one call each."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from archiving.api.requests import ReasonSerializer, VerifySerializer
from archiving.api.rows import archive_at
from archiving.api.serializers import ArchiveDetailSerializer, VerificationSerializer
from archiving.services import jobs
from archiving.services.verification import request_verification
from seqhub.operations.api.authentication import actor_of
from seqhub.operations.api.openapi import errors
from seqhub.operations.choices import Scope

PERMISSIONS = {Scope.WRITE: "archiving.seal_archivejob"}


class Action(APIView):
    """What the subclasses say, done to one archive."""

    change: ClassVar[Callable[..., object]]
    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        request=ReasonSerializer,
        responses={200: ArchiveDetailSerializer, **errors(400, 404, 409)},
    )
    def post(self, request: Request, pk: int) -> Response:
        sent = ReasonSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        self.change(pk, actor=actor_of(request), **sent.validated_data)
        context = {"request": request}
        return Response(ArchiveDetailSerializer(archive_at(pk), context=context).data)


class Retry(Action):
    """Seal what failed or waits now, its failures forgotten."""

    change = staticmethod(jobs.retry)


class Hold(Action):
    """Don't begin to seal it; what runs goes on."""

    change = staticmethod(jobs.hold)


class Release(Action):
    """End the hold."""

    change = staticmethod(jobs.release)


class Cancel(Action):
    """Stop the sealing that runs; the archive is on hold then."""

    change = staticmethod(jobs.cancel)


class Reseal(Action):
    """Make the archive anew; the old one stays until the new one is verified."""

    change = staticmethod(jobs.reseal)


class Ignore(Action):
    """Take it out of the lists and don't seal it."""

    change = staticmethod(jobs.ignore)


class Unignore(Action):
    """Take it back into the lists."""

    change = staticmethod(jobs.unignore)


class Verify(APIView):
    """Have the archive read soon; the answer is a verification that is asked for."""

    model_permissions: ClassVar = PERMISSIONS

    @extend_schema(
        request=VerifySerializer,
        responses={202: VerificationSerializer, **errors(400, 404, 409)},
    )
    def post(self, request: Request, pk: int) -> Response:
        sent = VerifySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        verification = request_verification(
            pk,
            actor=actor_of(request),
            depth=sent.validated_data["depth"],
            with_source=sent.validated_data["with_source"],
            is_deep=sent.validated_data["deep"],
        )
        return Response(VerificationSerializer(verification).data, 202)
