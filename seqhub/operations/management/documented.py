"""Commands whose help is what their class says of itself."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from inspect import cleandoc
from typing import Any

from django.core.management.base import BaseCommand


class DocumentedCommand(BaseCommand):
    """`--help` shows the docstring as it is written, with its paragraphs."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.help = cleandoc(cls.__doc__ or "")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        kwargs.setdefault("formatter_class", RawDescriptionHelpFormatter)
        return super().create_parser(prog_name, subcommand, **kwargs)
