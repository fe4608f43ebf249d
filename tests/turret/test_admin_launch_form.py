"""The launch form: from what somebody chooses to a launch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.staff import staff
from turret.models import Launch

pytestmark = pytest.mark.django_db

FORM = "/admin/turret/launch/add/"
PIPELINES = Path(__file__).parents[1] / "data" / "pipelines"
THREE = str(PIPELINES / "three")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Client:
    """An operator's browser."""
    launcher = settings.CONFIG.turret.launcher.model_copy(
        update={"allowed_roots": [tmp_path / "data"], "work_dir": tmp_path / "launches"}
    )
    (tmp_path / "data").mkdir()
    turret = settings.CONFIG.turret.model_copy(update={"launcher": launcher})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": turret})
    return staff("operator")


def text_of(answer: Any) -> str:
    return str(answer.content.decode()).replace("<wbr>", "")


def fields_of(answer: Any) -> dict[str, str]:
    """What a browser would send of the page, but for its buttons."""
    found: dict[str, str] = {}
    page = str(answer.content.decode())
    form = page[page.index('<form id="launch-form"') :]
    pattern = (
        r"<input\b(?P<input>[^>]*)>"
        r"|<textarea\b(?P<area>[^>]*)>\n?(?P<text>.*?)</textarea>"
        r"|<select\b(?P<select>[^>]*)>(?P<options>.*?)</select>"
    )
    for tag in re.finditer(pattern, form, re.DOTALL):
        about = tag["input"] or tag["area"] or tag["select"] or ""
        name = re.search(r'name="([^"]*)"', about)
        if name is None or 'type="file"' in about:
            continue
        if tag["select"] is not None:
            options = re.findall(r'<option value="([^"]*)"( selected)?', tag["options"])
            chosen = [value for value, is_chosen in options if is_chosen]
            found[name[1]] = chosen[0] if chosen else options[0][0]
        elif tag["area"] is not None:
            found[name[1]] = tag["text"]
        elif 'type="checkbox"' not in about or " checked" in about:
            value = re.search(r'value="([^"]*)"', about)
            found[name[1]] = value[1] if value else ""
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


def test_a_typed_pipeline_is_launched(client: Client) -> None:
    fields = turn(client, fields_of(client.get(FORM)) | {"source": THREE}, "show")
    assert fields["param.samples"] == "a,b,c"
    answer = launch(client, fields | {"param.samples": "x,y", "run_name": "mine"})
    row = Launch.objects.get()
    assert answer["Location"] == f"/admin/turret/launch/{row.pk}/change/"
    assert (row.source, row.run_name, row.params) == (THREE, "mine", {"samples": "x,y"})
