"""Usage as a file."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, time, timedelta
from threading import BoundedSemaphore
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from gateway.usage import export, listed
from gateway.usage.asked import ExportQuery
from gateway.usage.whose import READS_REQUESTS, READS_SUMS, whose
from opscenter.core.api import Permissions

# However many files are wanted, they take one of this process's few connections to the database.
_turn = BoundedSemaphore()


class UsageExportView(APIView):
    """CSV with a header: a line per request, oldest first, or with `group_by` a line per group. Amounts are credits. A
    text that begins as a formula does (=, +, -, @) has an apostrophe before it.
    """

    required_permissions: ClassVar = {"GET": Permissions.READ}
    for_consumers = True

    @extend_schema(
        operation_id="export_usage", parameters=[ExportQuery], responses={(200, "text/csv"): OpenApiTypes.STR}
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        query = ExportQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        days = f"{asked['first']:%Y%m%d}-{asked['last']:%Y%m%d}"
        if "group_by" in asked:
            sums = query.wanted(whose(request, asked.get("user"), READS_SUMS))
            return _file(export.of_groups(sums, asked["group_by"]), f"usage-{days}.csv")
        user_id = whose(request, asked.get("user"), READS_REQUESTS)
        return _file(export.of_requests(_requests(asked, user_id)), f"requests-{days}.csv")


def _requests(asked: dict[str, Any], user_id: int | None) -> listed.Wanted:
    return listed.Wanted(
        user_id=user_id,
        key_id=asked.get("key"),
        since=datetime.combine(asked["first"], time(), UTC),
        until=datetime.combine(asked["last"], time(), UTC) + timedelta(days=1),
        only={name: asked[name] for name in listed.FILTERS if name in asked},
    )


def _file(parts: Iterator[str], name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        _as_they_are_taken(parts),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _as_they_are_taken(parts: Iterator[str]) -> AsyncIterator[str]:
    """Each part is made when the one before it was sent: Django would make a list of all of a plain iterator's."""
    part = sync_to_async(_next_of)
    while (text := await part(parts)) is not None:
        yield text


def _next_of(parts: Iterator[str]) -> str | None:
    """Off the event loop. Neither a slow client nor whoever waits for its turn keeps a connection to the database."""
    close_old_connections()
    with _turn:
        try:
            return next(parts, None)
        finally:
            close_old_connections()
