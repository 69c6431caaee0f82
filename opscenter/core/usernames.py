"""Names for the plain numbers that append-only tables carry instead of foreign keys."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from opscenter.core.models import User


def with_username(rows: QuerySet[Any], *, column: str = "user_id") -> QuerySet[Any]:
    """`rows` with `username`, fetched in the same query; null where there is no such user."""
    names = User.objects.filter(pk=OuterRef(column)).order_by().values("username")
    named: QuerySet[Any] = rows.annotate(username=Subquery(names[:1]))
    return named
