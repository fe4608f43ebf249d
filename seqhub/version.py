"""The version of the installed package, which CHANGELOG.md names."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("seqhub")
except PackageNotFoundError:  # a checkout that is not installed
    VERSION = "0"
