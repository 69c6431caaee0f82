"""The composing app: commands, checks and pages that span the others."""

from django.apps import AppConfig


class OpsCenterConfig(AppConfig):
    name = "opscenter"
    label = "opscenter"
    verbose_name = "Ops-Center"

    def ready(self) -> None:
        from opscenter import checks  # noqa: F401, PLC0415 - registering the system checks needs loaded apps
        from opscenter.logging import know_settings  # noqa: PLC0415 - settings name this module

        know_settings()
