"""System checks of the ledger's ground: its trigger in the live schema, a SQLite that is new enough, its settings."""

import sqlite3
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from credits import amounts, triggers
from credits.errors import AmountInvalid

_OLDEST_SQLITE = (3, 35, 0)


@register(Tags.database)
def balance_trigger_is_in_place(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """credits.E001; runs with `migrate` and `check --database default`."""
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor != "postgresql" or "llm_transactions" not in connection.introspection.table_names():
            continue
        if triggers.is_missing(connection):
            return [
                Error(
                    f"llm_transactions lacks {triggers.TRIGGER}: unbalanced journals could be committed.",
                    hint="Run the BalancedJournals operation again in a new migration.",
                    id="credits.E001",
                )
            ]
    return []


@register(Tags.compatibility)
def sqlite_is_new_enough(**kwargs: Any) -> list[CheckMessage]:
    """credits.E002."""
    uses_sqlite = any(connection.vendor == "sqlite" for connection in connections.all(initialized_only=False))
    if uses_sqlite and sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        return [
            Error(
                f"SQLite {sqlite3.sqlite_version} is too old for the ledger: it needs 3.35 (RETURNING).",
                hint="Use PostgreSQL (DATABASE_URL), or a Python built with a newer SQLite.",
                id="credits.E002",
            )
        ]
    return []


@register()
def approval_limit_is_an_amount(**kwargs: Any) -> list[CheckMessage]:
    """credits.E003."""
    limit = settings.CREDITS_APPROVAL_LIMIT
    try:
        if not limit or amounts.to_nano(limit) >= 0:
            return []
    except AmountInvalid:
        pass
    return [
        Error(
            f"CREDITS_APPROVAL_LIMIT is {limit!r}.",
            hint="Set it to an amount of credits, 0 for a second operator every time, or nothing for none.",
            id="credits.E003",
        )
    ]
