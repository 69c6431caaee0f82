"""System checks of the ground: append-only triggers in the live schema, the key ring."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from opscenter.core import append_only, reencryption
from opscenter.core.secrets import key_ring

_SAMPLE = 50


@register(Tags.database)
def append_only_tables_are_guarded(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """core.E001; runs with `migrate`, which brings what is new, and with `check --database default`."""
    problems: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        tables = set(connection.introspection.table_names())
        for table in sorted(append_only.TABLES & tables):
            missing = append_only.missing(connection, table)
            if missing and not _waits_for_migrations(connection):
                problems.append(
                    Error(
                        f"The append-only table {table} lacks the triggers {', '.join(missing)}.",
                        hint="A table rebuild dropped them: add an AppendOnly operation after that migration.",
                        id="core.E001",
                    )
                )
    return problems


def _waits_for_migrations(connection: BaseDatabaseWrapper) -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


@register(Tags.database)
def key_ring_is_the_right_one(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """core.E005: it opens some of the newest secrets, if there are any. `serve` and `worker` start with this check."""
    if key_ring_is_usable() or "default" not in (databases or ()):
        return []
    if not {"core_secrets", "mfa_authenticator"} <= set(connections["default"].introspection.table_names()):
        return []
    stock = reencryption.sample(_SAMPLE)
    if stock.unreadable < max(stock.rows, 1):
        return []
    return [
        Error(
            "BYOK_ENCRYPTION_KEY opens none of the stored secrets: it is another ring than they were encrypted with.",
            hint="Put the former key back, alone or after the new one and a comma: a backup of the environment or of "
            "var/secrets.env has it. If it is lost for good, `manage.py erase_unreadable_keys` makes way for entering "
            "API keys again, and `manage.py remove_second_factor` for signing in.",
            id="core.E005",
        )
    ]


@register(Tags.security)
def key_ring_is_usable(**kwargs: Any) -> list[CheckMessage]:
    """core.E002."""
    try:
        key_ring()
    except ImproperlyConfigured as error:
        return [
            Error(
                str(error),
                hint="For a new installation `manage.py generate_encryption_key` makes one. For one that stores "
                "secrets, put back the ring that they were encrypted with: another one opens none of them.",
                id="core.E002",
            )
        ]
    return []
