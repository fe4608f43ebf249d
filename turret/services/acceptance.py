"""Whether a pipeline takes the parameters that it is to be launched with."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User

from seqhub.operations.errors import InvalidValue
from turret.errors import BadLaunch
from turret.services.launching.requests import LaunchRequest, check, completed
from turret.services.repositories import Verdict, check_params


def accept(request: LaunchRequest, user: User) -> str:
    """Empty, or why its parameters could not be held against the pipeline's schema, in
    a sentence: who launches it may reach what we can't.

    Raises BadLaunch, UnknownPipeline.
    """
    whole = completed(request, user)
    check(whole)
    verdict = _verdict(whole)
    if verdict.wrong:
        fields = {
            f"params.{key}" if key else "params": f"{message.rstrip('.')}."
            for key, message in verdict.wrong.items()
        }
        said = " ".join(f"{name} {message}" for name, message in fields.items())
        raise BadLaunch(f"The pipeline does not take its parameters: {said}", fields)
    return verdict.why_unchecked


def _verdict(whole: LaunchRequest) -> Verdict:
    compute = whole.compute
    configs = (compute.config_text if compute else "", whole.config_text)
    try:
        return check_params(
            whole.source,
            whole.revision,
            whole.params,
            profile=whole.profile,
            configs=configs,
            has_more_config=bool(whole.project_dir),
            # Of another host's files nothing can be said here.
            look=compute is None or compute.host == settings.CONFIG.host,
        )
    except InvalidValue as error:
        raise BadLaunch(error.message, {"source": error.message}) from None
