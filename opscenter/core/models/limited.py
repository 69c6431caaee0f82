"""The columns of whatever has limits."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from opscenter.core.limits import NO_LIMITS, Limits

LIMIT_FIELDS = ("rpm", "tpm", "concurrency")


def limits_are_usable(*, name: str) -> models.CheckConstraint:
    """Zero would be an odd way to switch something off."""
    usable = Q()
    for field in LIMIT_FIELDS:
        usable &= Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__gte": 1})
    return models.CheckConstraint(condition=usable, name=name)


_AT_LEAST_ONE = (MinValueValidator(1),)


class Limited(models.Model):
    rpm = models.PositiveIntegerField(
        "RPM", null=True, blank=True, validators=_AT_LEAST_ONE, help_text="Requests per minute; empty: unlimited."
    )
    tpm = models.PositiveIntegerField(
        "TPM", null=True, blank=True, validators=_AT_LEAST_ONE, help_text="Tokens per minute; empty: unlimited."
    )
    concurrency = models.PositiveIntegerField(
        null=True, blank=True, validators=_AT_LEAST_ONE, help_text="Calls at the same time; empty: unlimited."
    )

    class Meta:
        abstract = True

    @property
    def limits(self) -> Limits:
        if self.rpm is None and self.tpm is None and self.concurrency is None:
            return NO_LIMITS
        return Limits(self.rpm, self.tpm, self.concurrency)
