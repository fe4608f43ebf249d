"""The launch form as a browser without JavaScript would use it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from django.test import Client
from pytest_django import Settings

FORM = "/admin/turret/launch/add/"
PIPELINES = Path(__file__).parents[1] / "data" / "pipelines"
THREE = str(PIPELINES / "three")
HTMX = {"HX-Request": "true"}
_FIELD = re.compile(
    r"<input\b(?P<input>[^>]*)>"
    r"|<textarea\b(?P<area>[^>]*)>\n?(?P<text>.*?)</textarea>"
    r"|<select\b(?P<select>[^>]*)>(?P<options>.*?)</select>",
    re.DOTALL,
)
_NAME = re.compile(r'name="([^"]*)"')
_VALUE = re.compile(r'value="([^"]*)"')
_OPTION = re.compile(r'<option value="([^"]*)"( selected)?')


def launch_below(settings: Settings, directory: Path) -> Path:
    """Launches go below it, and `data` in it may be browsed; that is answered."""
    data = directory / "data"
    data.mkdir()
    values = {"allowed_roots": [data], "work_dir": directory / "launches"}
    launcher = settings.CONFIG.turret.launcher.model_copy(update=values)
    turret = settings.CONFIG.turret.model_copy(update={"launcher": launcher})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": turret})
    return data


def text_of(answer: Any) -> str:
    return str(answer.content.decode()).replace("<wbr>", "")


def fields_of(answer: Any) -> dict[str, str]:
    """What a browser would send of the page, but for its buttons."""
    found: dict[str, str] = {}
    page = str(answer.content.decode())
    for tag in _FIELD.finditer(page[page.index('<form id="launch-form"') :]):
        about = tag["input"] or tag["area"] or tag["select"] or ""
        name = _NAME.search(about)
        if name is None or 'type="file"' in about:
            continue
        if tag["select"] is not None:
            options = _OPTION.findall(tag["options"])
            chosen = [value for value, is_chosen in options if is_chosen]
            value = chosen[0] if chosen else options[0][0]
        elif tag["area"] is not None:
            value = tag["text"]
        elif 'type="checkbox"' in about and " checked" not in about:
            continue
        else:
            written = _VALUE.search(about)
            value = written[1] if written else ""
        found[html.unescape(name[1])] = html.unescape(value)
    return found


def begin(client: Client, **query: str) -> dict[str, str]:
    """The fields of the form as it stands once the pipeline was read."""
    first = client.get(FORM, query)
    assert first.status_code == 200
    return turn(client, fields_of(first), "form")


def turn(client: Client, fields: dict[str, str], act: str) -> dict[str, str]:
    answer = client.post(FORM, fields | {"act": act})
    assert answer.status_code == 200
    return fields_of(answer)


def launch(client: Client, fields: dict[str, str]) -> Any:
    return client.post(FORM, fields | {"act": "launch"})
