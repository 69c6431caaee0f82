"""The gateway app: the way of a request."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class GatewayConfig(AppConfig):
    name = "gateway"
    verbose_name = "Gateway"

    def ready(self) -> None:
        from gateway.once import sealed_place  # noqa: PLC0415 - needs loaded apps
        from gateway.schema import BearerScheme  # noqa: F401, PLC0415 - tells the API schema about bearer keys
        from gateway.services.keys import sign_out  # noqa: PLC0415 - needs loaded apps
        from opscenter.core import users  # noqa: PLC0415 - likewise

        sealed_place.register()
        users.on_credentials_changed(sign_out)
        post_migrate.connect(_make_partitions, sender=self, dispatch_uid="gateway.partitions")


def _make_partitions(sender: AppConfig, using: str, **kwargs: Any) -> None:
    from gateway.partitions import make_partitions  # noqa: PLC0415 - needs loaded apps

    make_partitions(using=using)
