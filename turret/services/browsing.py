"""What people see and put below turret.launcher.allowed_roots."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.conf import settings

from seqhub.lib.patience import within
from seqhub.operations.errors import DomainError, InvalidValue, NotFound
from turret.engine import browsing, placing
from turret.engine.browsing import Listing, Roots
from turret.engine.placing import Readable
from turret.errors import NotEmpty, NotPermitted, OutsideRoots, TooLarge
from turret.services.launching.environments import launches_dir

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_UPLOAD_BYTES = 1 << 30
MOST_CONFIG_BYTES = 1 << 20
CONFIG = "nextflow.config"
_LOOK_S = 5.0
_WRITE_S = 120.0


def allowed_roots() -> list[str]:
    return [str(root) for root in settings.CONFIG.turret.launcher.allowed_roots]


def browse(path: str) -> Listing:
    """What is in a directory. As the others it raises OutsideRoots, NotFound,
    InvalidValue, NotPermitted, TimedOut."""
    return _asked(_LOOK_S, path, browsing.browse, _roots(), path)


def real_path(path: str) -> Path:
    """Of something below the roots, or of what may come to be there."""
    place = _asked(_LOOK_S, path, _roots().find, path)
    return Path(place.real_root, *place.names)


def make_directory(path: str, *, who: str) -> str:
    """Its path. Raises NotEmpty when something is there."""
    made = _asked(_LOOK_S, path, placing.make_directory, _roots(), path)
    log.info("%s made the directory %s", who, made)
    return made


def save_upload(
    directory: str, name: str, source: Readable, *, who: str
) -> tuple[str, int]:
    """Its path and size; numbered when the name is taken. Raises TooLarge."""
    path, size = _asked(
        _WRITE_S,
        directory,
        placing.save,
        _roots(),
        directory,
        name,
        source,
        MOST_UPLOAD_BYTES,
    )
    log.info("%s uploaded %s", who, path)
    return path, size


def find_config(path: str) -> tuple[str, str | None]:
    """The path of a configuration, and its text; None: there is none. `path` may be
    its directory. Raises InvalidValue for what is not called so."""
    place = config_path(path)
    try:
        read = browsing.read_text
        return place, _asked(_LOOK_S, place, read, _roots(), place, MOST_CONFIG_BYTES)
    except NotFound:
        return place, None


def save_config(path: str, text: str, *, who: str) -> str:
    """Its path. Raises TooLarge, InvalidValue."""
    if len(text.encode(errors="replace")) > MOST_CONFIG_BYTES:
        raise TooLarge(f"content: it is larger than {MOST_CONFIG_BYTES:,} bytes.")
    if "\0" in text or text != text.encode(errors="replace").decode():
        raise InvalidValue("content: it is no text.")
    place = config_path(path)
    saved = _asked(_WRITE_S, place, placing.write_text, _roots(), place, text)
    log.info("%s wrote %s", who, saved)
    return saved


def config_path(path: str) -> str:
    """Of a configuration, or of the directory that it is in."""
    return path if path.endswith(".config") else f"{path.rstrip('/')}/{CONFIG}"


def _roots() -> Roots:
    # Launches keep parameters, and their tokens.
    never = [settings.CONFIG.data_dir, launches_dir()]
    return Roots(settings.CONFIG.turret.launcher.allowed_roots, never)


def _asked(
    limit_s: float,
    path: str,
    function: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    place = next(
        (root for root in allowed_roots() if path.startswith(root)), "the disk"
    )
    try:
        return within(limit_s, place, function, *args, **kwargs)
    except browsing.Refused as error:
        kind = next(kind for told, kind in _KINDS.items() if isinstance(error, told))
        raise kind(str(error)) from None


_KINDS: dict[type[browsing.Refused], type[DomainError]] = {
    browsing.Outside: OutsideRoots,
    browsing.Missing: NotFound,
    browsing.Taken: NotEmpty,
    browsing.Unfit: InvalidValue,
    browsing.Full: TooLarge,
    browsing.Unusable: NotPermitted,
}
