"""Usage as CSV, in parts: whatever there is to be exported, no more than one part of it is in memory."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from credits.amounts import to_text
from gateway.models import RequestRow
from gateway.usage import listed, names, sums
from gateway.usage.sums import Sums

AT_ONCE = 1_000
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_REQUEST = (
    *("id", "created_at", "user", "key", "key_name", "environment", "component", "operation", "routing_path"),
    *("endpoint", "requested_model", "model", "provider", "tier", "power_level", "streamed"),
    *("status", "http_status", "error_code", "attempts"),
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches"),
    *("billing_basis", "held", "credits", "duration_ms", "first_token_ms", "parent_id"),
)
_SUMS = (
    *("requests", "failed", "refused", "attempts"),
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens", "searches", "own_key_requests"),
    *("credits", "duration_ms"),
)


def of_requests(wanted: listed.Wanted) -> Iterator[str]:
    """A line per request, oldest first."""
    yield _lines([_REQUEST])
    for rows in listed.batches(wanted, at_once=AT_ONCE):
        keys = names.of_keys(row.virtual_key_id for row in rows)
        users = names.of_users(row.user_id for row in rows)
        yield _lines(_request(row, keys, users) for row in rows)


def of_groups(wanted: sums.Wanted, group_by: Sequence[str]) -> Iterator[str]:
    """A line per group, in ascending order."""
    yield _lines([[*_headers(group_by), *_SUMS]])
    for groups in sums.every_group(wanted, group_by, at_once=AT_ONCE):
        yield _lines(_group(group, labels) for group, labels in zip(groups, _labels(group_by, groups), strict=True))


def _request(row: RequestRow, keys: dict[int, str], users: dict[int, str]) -> list[Any]:
    special = {
        "created_at": _moment(row.created_at),
        "user": users.get(row.user_id or 0, ""),
        "key": row.virtual_key_id,
        "key_name": keys.get(row.virtual_key_id or 0, ""),
        "held": to_text(row.held_nano),
        "credits": to_text(row.charged_nano),
        "streamed": "true" if row.streamed else "false",
        "parent_id": row.parent_id or "",
    }
    return [special[name] if name in special else getattr(row, name) for name in _REQUEST]


def _group(group: Sums, labels: Sequence[Any]) -> list[Any]:
    values = (to_text(group.charged_nano) if name == "credits" else getattr(group, name) for name in _SUMS)
    return [*labels, *values]


def _headers(group_by: Sequence[str]) -> Iterator[str]:
    for name in group_by:
        yield name
        if name == "key":
            yield "key_name"


def _labels(group_by: Sequence[str], groups: Sequence[Sums]) -> Iterator[list[Any]]:
    columns = [dict(zip(group_by, group.of, strict=True)) for group in groups]
    keys = names.of_keys(column.get("key") for column in columns)
    users = names.of_users(column.get("user") for column in columns)
    for column in columns:
        labels: list[Any] = []
        for name, value in column.items():
            if name == "user":
                labels.append(users.get(value, ""))
            elif name == "key":
                labels += [value or "", keys.get(value, "")]
            else:
                labels.append(value)
        yield labels


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    written = StringIO(newline="")
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula is made one that it takes for text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
