"""Counts, filters and small pieces of pages for lists and forms."""

import json
from typing import Any, ClassVar

from django.contrib.admin.filters import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from faceplatform.accounts.sessions import principal_of

MOST_CHOICES = 200


def count_of(rows: QuerySet[Any], link: str) -> Coalesce:
    """Return an annotation: how many of `rows` point with `link` to the row of the list.

    A subquery per shown row: grouping the whole table would cost its size on every page.
    """
    counts = rows.filter(**{link: OuterRef("pk")}).order_by().values(link)
    number = counts.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), 0)


def pretty(value: Any) -> SafeString:
    """Return JSON for people to read."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre class="fp-json">{}</pre>', text) if value else SafeString("")


class RowFilter(SimpleListFilter):
    """Filter by a related row; offers those of the person's organization alone.

    Django's own filter for relations offers every row of the table to everybody.
    """

    model: ClassVar[type[Model]]
    order: ClassVar[str] = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the rows to choose from."""
        rows: Any = self.model._default_manager.all()
        found = rows.visible_to(principal_of(request)).order_by(self.order)[:MOST_CHOICES]
        return [(str(row.pk), str(row)) for row in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that point to the chosen one."""
        if self.value() is None:
            return queryset
        try:
            return queryset.filter(**{str(self.parameter_name): self.value()})
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters(error) from error
