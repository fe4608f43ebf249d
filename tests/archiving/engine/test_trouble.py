from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from archiving.engine.trouble import reading_source
from archiving.errors import Code, Trouble


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, Code.SOURCE_UNREADABLE),
        (errno.ENOENT, Code.SOURCE_CHANGED),
    ],
)
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"/seq/RUN/InterOp", "/seq/RUN/InterOp"),
        ("/seq/RUN/\n", "/seq/RUN/\\x0a"),
        (b"/seq/RUN/\xe5", "/seq/RUN/\\xe5"),
    ],
)
def test_what_cannot_be_read_is_named_as_people_write_it(
    number: int, code: Code, name: bytes | str, shown: str, tmp_path: Path
) -> None:
    with pytest.raises(Trouble) as caught, reading_source(tmp_path):
        raise OSError(number, os.strerror(number), name)
    assert caught.value.code == code
    assert f": {shown}" in caught.value.message
