"""Finding runs by words, as people type them into one line; and tasks by one.

`rnaseq status:failed user:ann after:2026-01-31`: words are looked for in names, and
`keyword:value` narrows; all must match. Quotes keep what holds spaces together.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from runfolders.models import Sample
from seqhub.operations.errors import InvalidValue
from turret.choices import Status
from turret.models import Workflow

KEYWORDS_HELP = (
    "Words in names, and `keyword:value` with status, user, pipeline, project, batch, "
    "session, run, id, label, runfolder, after or before."
)
_PART = re.compile(r'(?:(?P<keyword>\w+):)?(?P<value>"[^"]*"|\S+)')
_NAMES = (
    "run_name",
    "batch_id",
    "workflow_id",
    "project_name",
    "repository",
    "user_name",
    "owner__username",
    "runfolder__name",
)


def matching(rows: QuerySet[Workflow], text: str) -> QuerySet[Workflow]:
    """Those that `text` describes. Raises InvalidValue for a value that its keyword
    can't have; an unknown keyword is a word like others (`s3://bucket`)."""
    # PostgreSQL has no U+0000.
    for part in _PART.finditer(text.replace("\0", "")):
        value = part["value"].strip('"')
        condition = _KEYWORDS.get((part["keyword"] or "").casefold())
        if condition is None:
            if value.endswith(":") and value[:-1].casefold() in _KEYWORDS:
                raise InvalidValue(
                    f"{value} lacks its value; write it right behind, without a space."
                )
            rows = rows.filter(_with_word(part[0].strip('"')))
        else:
            rows = rows.filter(condition(value))
    return rows


def of_task(text: str) -> Q:
    """Of tasks: by what people know them by; PostgreSQL has no U+0000."""
    wanted = Q()
    for column in ("name", "hash", "workdir", "native_id"):
        wanted |= Q(**{f"{column}__icontains": text.replace("\0", "")})
    return wanted


def of_user(name: str) -> Q:
    """By the owner here, or the user at whose computer it ran."""
    return Q(owner__username=name) | Q(user_name=name)


def of_pipeline(name: str) -> Q:
    """`nf-core/rnaseq`, `rnaseq`, or the address of the repository."""
    return (
        Q(project_name=name)
        | Q(project_name__endswith=f"/{name}")
        | Q(repository=name)
        | Q(repository=f"https://github.com/{name}")
    )


def of_project(name: str) -> Q:
    """By the project of the run folder, or of one of its samples."""
    samples = Sample.objects.filter(project=name)
    return Q(runfolder__project=name) | Q(runfolder__in=samples.values("runfolder"))


def _with_word(word: str) -> Q:
    wanted = Q(labels__contains=[word[:50]])
    for column in _NAMES:
        wanted |= Q(**{f"{column}__icontains": word})
    return wanted


def _of_status(word: str) -> Q:
    status = word.casefold()
    if status not in Status.values:
        words = ", ".join(Status.values)
        raise InvalidValue(f"status:{word[:50]} is unknown; there are {words}.")
    return Q(status=status)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if timezone.is_naive(time):
            time = timezone.make_aware(time)
        # PostgreSQL takes no offset above 16 hours.
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidValue(
            f"{text[:50]} is no time; write 2026-01-31 or 2026-01-31T12:00:00Z."
        ) from None


def _exactly(column: str) -> Callable[[str], Q]:
    return lambda value: Q(**{column: value})


# By their names here, and by Seqera Platform's.
_KEYWORDS: dict[str, Callable[[str], Q]] = {
    "status": _of_status,
    "state": _of_status,
    "user": of_user,
    "username": of_user,
    "pipeline": of_pipeline,
    "projectname": of_pipeline,
    "project": of_project,
    "batch": _exactly("batch_id"),
    "batch_id": _exactly("batch_id"),
    "session": _exactly("session_id"),
    "sessionid": _exactly("session_id"),
    "run": _exactly("run_name"),
    "runname": _exactly("run_name"),
    "id": _exactly("workflow_id"),
    "workflowid": _exactly("workflow_id"),
    "label": lambda value: Q(labels__contains=[value[:50]]),
    "runfolder": _exactly("runfolder__name"),
    "after": lambda value: Q(created_at__gte=_time(value)),
    "before": lambda value: Q(created_at__lt=_time(value)),
}
