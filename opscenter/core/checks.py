"""System checks of the ground: append-only triggers in the live schema, the key ring."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from opscenter.core import append_only
from opscenter.core.secrets import key_ring


@register(Tags.database)
def append_only_tables_are_guarded(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """core.E001; runs with `migrate` and `check --database default`."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        tables = set(connection.introspection.table_names())
        for table in sorted(append_only.TABLES & tables):
            missing = append_only.missing(connection, table)
            if missing:
                problems.append(
                    Error(
                        f"The append-only table {table} lacks the triggers {', '.join(missing)}.",
                        hint="A table rebuild dropped them: add an AppendOnly operation after that migration.",
                        id="core.E001",
                    )
                )
    return problems


@register(Tags.security)
def key_ring_is_usable(**kwargs: Any) -> list[CheckMessage]:
    """core.E002."""
    try:
        key_ring()
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="`make install` writes a fresh one to var/secrets.env; see .env.example.",
                id="core.E002",
            )
        ]
    return []
