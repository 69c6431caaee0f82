"""The credits app: seeds its rows after each migrate and opens a wallet with every user, on the plan of new ones."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CreditsConfig(AppConfig):
    name = "credits"
    verbose_name = "Credits"

    def ready(self) -> None:
        from credits import checks  # noqa: F401, PLC0415 - needs loaded apps
        from credits.models import PowerLevel, Tier  # noqa: PLC0415 - needs loaded apps
        from credits.seeds import seed  # noqa: PLC0415 - needs loaded apps
        from credits.services import plans, rate_versions  # noqa: PLC0415 - needs loaded apps
        from credits.stripe import checks as stripe_checks  # noqa: F401, PLC0415 - needs loaded apps
        from opscenter.core import changes, users  # noqa: PLC0415 - needs loaded apps

        post_migrate.connect(seed, sender=self, dispatch_uid="credits.seed")
        users.on_created(plans.open_for)
        for model in (Tier, PowerLevel):
            changes.on_saved(model, rate_versions.keep)
