"""The pages of workflows in the console, as tests look at them."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.turret.factories import TaskFactory
from turret.choices import TaskStatus
from turret.models import Workflow

LIST = "/admin/turret/workflow/"


def page_of(row: Workflow) -> str:
    return f"{LIST}{row.pk}/change/"


def text_of(client: Client, address: str, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode()).replace("<wbr>", "")


def task_of(row: Workflow, number: int, status: TaskStatus, **fields: Any) -> Any:
    return TaskFactory.create(workflow=row, task_id=number, status=status, **fields)


def shown(answer: Any) -> list[int]:
    panel = answer.context["panels"][0]
    return [line["task"].task_id for line in panel.content["lines"]]
