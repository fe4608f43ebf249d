"""Documents of dataflow_archive, from a dump of its CouchDB database.

`GET DATABASE/_all_docs?include_docs=true` answers {"rows": [{"id", "doc": {"_id":
run name, "path", "status", "created_at", "updated_at", ...}}, ...]}. Versions differ
in names of fields; times are UTC without saying so.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
)

from archiving.services.adoption import OldStatus

# The parser needs several times as much memory.
LIMIT_BYTES = 10**9
# Some wrote what else they knew into the status.
SENT_AWAY = "pdc_archived"


class DumpUnreadable(Exception):
    """The message says what is wrong with the file, and where."""


def _aware(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _known_status(value: object) -> object:
    return OldStatus.ARCHIVED if value == SENT_AWAY else value


Time = Annotated[dt.datetime, AfterValidator(_aware)]


class Document(BaseModel):
    """One run."""

    run_name: str = Field(alias="_id", min_length=1, max_length=1024)
    path: str = Field(min_length=1, max_length=4096)
    status: Annotated[OldStatus, BeforeValidator(_known_status)]
    updated_at: Time
    created_at: Time | None = None
    failure_count: int = Field(
        default=0,
        ge=0,
        le=10**6,
        validation_alias=AliasChoices("failure_count", "encryption_failure_count"),
    )
    # When it was sent away, or only whether.
    pdc_archived: Time | bool | None = None

    @property
    def sent_at(self) -> dt.datetime | None:
        if isinstance(self.pdc_archived, bool):
            return self.updated_at if self.pdc_archived else None
        return self.pdc_archived


def read_rows(path: Path) -> list[Any]:
    """The rows of a dump. Raises DumpUnreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DumpUnreadable("it is not a regular file")
            if status.st_size > LIMIT_BYTES:
                raise DumpUnreadable(
                    f"it has {status.st_size:,} bytes, and {LIMIT_BYTES:,} are the"
                    " most that can be read: dump it in parts (limit=, skip=)"
                )
            dump = json.loads(file.read(LIMIT_BYTES))
    except OSError as error:
        raise DumpUnreadable(f"it can't be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise DumpUnreadable(f"it is no JSON at {where}: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise DumpUnreadable(f"it is no text at byte {error.start:,}") from None
    except ValueError:
        # sys.set_int_max_str_digits; the two above are ValueErrors, too.
        raise DumpUnreadable("it has a number of too many digits") from None
    except RecursionError:
        raise DumpUnreadable("it is nested too deeply") from None
    rows = dump.get("rows") if isinstance(dump, dict) else None
    if not isinstance(rows, list):
        raise DumpUnreadable("it has no rows: dump DATABASE/_all_docs")
    return rows


def documents(rows: list[Any]) -> Iterator[Document | str]:
    """Each run, or what is wrong with its document; designs are no runs."""
    for number, row in enumerate(rows):
        name = row.get("id") if isinstance(row, dict) else None
        if isinstance(name, str) and name.startswith("_design/"):
            continue
        document = row.get("doc") if isinstance(row, dict) else None
        if not isinstance(document, dict):
            yield f"{name or f'row {number}'}: no document: add include_docs=true"
            continue
        try:
            yield Document.model_validate(document)
        except ValidationError as error:
            detail = error.errors()[0]
            key = ".".join(map(str, detail["loc"]))
            yield f"{name or f'row {number}'}: {key}: {detail['msg']}"
