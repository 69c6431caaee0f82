"""People and machines that sign in."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction

from opscenter.core.models.limited import Limited, limits_are_usable


class User(Limited, AbstractUser):
    """Deactivated, never deleted: the ledger and the audit log name users by number for good.

    `permission_ceiling`, where a request's credential sets it, bounds what this object may do, superuser or not. Their
    limits, over all of their keys together, go before those of their tier.
    """

    must_change_password = models.BooleanField(
        default=False, help_text="Signed in to the admin, they get no further than the page that changes the password."
    )

    permission_ceiling: frozenset[str] | None = None

    class Meta:
        db_table = "users"
        ordering = ("username",)
        constraints = (limits_are_usable(name="user_limits_are_usable"),)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """In one transaction with what core.signals writes along: the wallet, the audit entry."""
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)

    def set_password(self, raw_password: str | None) -> None:
        """Whoever sets a one-time password says so afterwards."""
        super().set_password(raw_password)
        self.must_change_password = False

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        within = self.permission_ceiling is None or perm in self.permission_ceiling
        return within and super().has_perm(perm, obj)
