"""Pages of lists."""

from __future__ import annotations

from rest_framework.pagination import LimitOffsetPagination


class Page(LimitOffsetPagination):
    """`?limit=&offset=`; answers `count, next, previous, results`."""

    max_limit = 1000
