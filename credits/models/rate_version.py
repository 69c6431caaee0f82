"""What each version of a tier or power level said, so that a bill's rates can be looked up after they were changed."""

from django.db import models
from django.db.models import Q


class RateVersion(models.Model):
    """Append-only. Written with every change of a tier or power level, in its transaction."""

    class Kind(models.TextChoices):
        TIER = "tier"
        POWER_LEVEL = "power_level"

    kind = models.CharField(max_length=11, choices=Kind.choices)
    slug = models.CharField(max_length=16)
    version = models.PositiveIntegerField(help_text="1 for the first, counting up.")
    values = models.JSONField()
    created_at = models.DateTimeField("in force since", auto_now_add=True)

    class Meta:
        db_table = "credits_rate_versions"
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=("tier", "power_level")), name="rate_version_kind_is_known"),
            models.UniqueConstraint(fields=("kind", "slug", "version"), name="rate_version_is_one"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.slug}, version {self.version}"
