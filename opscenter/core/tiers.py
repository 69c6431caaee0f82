"""The four tiers that consumers are sold and models are gated by."""

from django.db import models


class Tier(models.TextChoices):
    FREE = "free", "Free"
    STARTER = "starter", "Starter"
    PROFESSIONAL = "professional", "Professional"
    ENTERPRISE = "enterprise", "Enterprise"

    @property
    def rank(self) -> int:
        """0 for the lowest tier; a caller may use a model whose tier ranks no higher than its own."""
        return list(Tier).index(self)
