"""Sample sheets, held against what the pipeline says of them."""

from __future__ import annotations

from seqhub.lib.patience import TimedOut, within
from turret.engine.pipelines.git import RepositoryError
from turret.engine.pipelines.samplesheets import check_samplesheet
from turret.errors import SourceTimeout, SourceTrouble
from turret.services.repositories import SHORT_S, is_there, repository, source_of


def check_sheet(text: str, revision: str, name: str, raw: bytes) -> list[str]:
    """What is wrong with a sheet, a sentence each. `name`: of the file of the
    pipeline's repository that describes it. Raises InvalidValue, SourceTrouble."""
    source, revision = source_of(text, revision)
    read = repository(SHORT_S).read
    try:
        found = within(SHORT_S + 1, source.url, read, source, revision, [name])
    except TimedOut as error:
        raise SourceTimeout(f"{error}.") from None
    except RepositoryError as error:
        raise SourceTrouble(str(error)) from None
    described = found[name]
    if described is None:
        return [f"The pipeline names {name}, which describes it, and has no such file."]
    return check_samplesheet(described, raw, look=is_there)
