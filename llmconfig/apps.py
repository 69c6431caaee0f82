"""The app's label is llm, so that its permissions read llm.read, llm.execute and so on."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LlmConfigConfig(AppConfig):
    name = "llmconfig"
    label = "llm"
    verbose_name = "Providers and models"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from llmconfig import checks  # noqa: F401, PLC0415 - models are loaded only now
        from llmconfig.groups import seed_groups  # noqa: PLC0415 - the same
        from llmconfig.health import alerts  # noqa: PLC0415 - the same
        from llmconfig.health import checks as health_checks  # noqa: F401, PLC0415 - the same
        from opscenter.core.alerts import delivery  # noqa: PLC0415 - the same

        post_migrate.connect(seed_groups, sender=self)
        delivery.before(alerts.forget_moot)
