"""The core app: users, audit, secrets, the version row."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    name = "opscenter.core"
    label = "core"
    verbose_name = "People and audit"

    def ready(self) -> None:
        from opscenter.core import checks, sealed_places, signals  # noqa: F401, PLC0415 - they need loaded apps
        from opscenter.core.alerts import checks as alert_checks  # noqa: F401, PLC0415 - the same

        sealed_places.register()
        post_migrate.connect(_seed, sender=self, dispatch_uid="core.seed")


def _seed(sender: AppConfig, using: str, **kwargs: Any) -> None:
    from opscenter.core import audit_chain  # noqa: PLC0415 - needs loaded apps
    from opscenter.core.models import AuditHead, ConfigVersion  # noqa: PLC0415 - as above

    ConfigVersion.objects.using(using).get_or_create(pk=1)
    if AuditHead._meta.db_table in connections[using].introspection.table_names():
        audit_chain.begin()
