"""Pages of lists: by id, so that they stay right while rows are added."""

from rest_framework.pagination import CursorPagination


class IdCursorPagination(CursorPagination):
    """Newest first, 50 rows, at most 200 by `limit`."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
